//! `--dedup` and `?dedup=event` are refused on Kafka, which cannot recognise duplicates of events.

use insta::assert_snapshot;

use super::shop::Shop;

#[test]
fn duplicates_cannot_be_recognised() {
    let shop = Shop::with_orders();
    let publish = ["publish", "order.created", "{}", "--id", "1", "--dedup"];
    assert_snapshot!(shop.show(&publish), @"
    exit: 5
    --- stdout

    --- stderr
    error: `kafka` cannot recognise duplicates of events
    hint: the idempotent producer recognises only its own repeats; let the consumers ignore ids that they know
    ");
    let url = shop.url("dedup=event");
    let run = shop
        .pf
        .run(&["publish", "order.created", "{}", "--url", &url]);
    assert_snapshot!(shop.hide(&run), @"
    exit: 5
    --- stdout

    --- stderr
    error: kafka: duplicates of events cannot be recognised
    hint: leave `dedup` out; `pf caps` says why
    ");
    assert_eq!(shop.raw.count(&shop.name("order.created")), 0);
}
