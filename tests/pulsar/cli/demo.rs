//! `pf demo` on a broker.

use test_support::pulsar::Broker;

use super::shop::Shop;

#[test]
fn the_story_is_told_on_a_broker_again_and_again() {
    let shop = Shop::empty();
    let url = Broker::shared().url(&shop.namespace);
    for _ in 0..2 {
        let run = shop.pf.run(&["demo", "--url", &url]).succeeded();
        assert!(run.stdout().contains("attempt 3: done"), "{run}");
        assert!(run.stdout().contains("1 replayed"), "{run}");
        assert!(run.stdout().contains("Done."), "{run}");
    }
    let left = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    assert_eq!(left.stdout(), "", "no letter is left");
}
