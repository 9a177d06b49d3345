//! `pf consume` beside other members of its group: those that hold the rest, and a server that hands out one at a time.

use std::time::Duration;

use serde_json::json;
use test_support::wait::until;

use super::shop::Shop;

fn publish(shop: &Shop, count: usize) {
    let lines: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let publish = ["publish", "order.created", "--lines", "-q"];
    let _ = shop.pf.run_with(&publish, lines.join("\n")).succeeded();
}

#[test]
fn what_a_killed_consumer_held_is_reported() {
    let shop = Shop::prepared();
    publish(&shop, 20);
    shop.raw
        .make_group("billing", "order.created", Duration::from_secs(4));
    let consume = ["consume", "order.created", "--group", "billing"];
    let script = ["--jobs", "8", "--", "sh", "-c", "sleep 60"];
    let mut killed = shop.pf.spawn(&[&consume[..], &script].concat());
    let leased = || {
        shop.raw
            .group("billing")
            .map_or(0, |group| group.num_ack_pending)
    };
    until("it holds some", || leased() >= 8);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let held = leased();

    let bounded = [&consume[..], &["--until-end", "--", "true"]].concat();
    let run = shop.pf.run(&bounded).succeeded();
    let line = format!("warning: {held} events are held by other consumers of the group until 20");
    assert!(run.stderr().contains(&line), "{run}");
    let summary = format!("{} handled, {held} held elsewhere\n", 20 - held);
    assert!(run.stderr().ends_with(&summary), "{run}");

    // They come once their leases have ended.
    until("everything is handled", || {
        let run = shop.pf.run(&bounded).succeeded();
        !run.stderr().contains("held elsewhere")
    });
    assert_eq!(leased(), 0);
}

#[test]
fn a_consumer_with_one_message_in_flight_keeps_a_strict_order() {
    let shop = Shop::prepared();
    let group = json!({"stream_name": "SHOP", "config": {
        "durable_name": "billing", "ack_policy": "explicit", "max_ack_pending": 1, "max_deliver": -1,
        "filter_subject": "SHOP.order.created", "ack_wait": 30_000_000_000_u64,
    }});
    shop.broker
        .ask("$JS.API.CONSUMER.CREATE.SHOP.billing", &group);
    publish(&shop, 4);
    let script = r#"read -r line; number=$(echo "$line" | sed 's/.*"data":\([0-9]*\).*/\1/')
        echo "$number/$PF_DELIVERY_ATTEMPT"; test "$number" != 1 || test "$PF_DELIVERY_ATTEMPT" = 2"#;
    let consume = [
        "consume",
        "order.created",
        "--group",
        "billing",
        "--until-end",
        "--jobs",
        "4",
        "--backoff",
        "300ms",
        "--",
        "sh",
        "-c",
        script,
    ];
    let run = shop.pf.run(&consume).succeeded();
    assert_eq!(run.stdout(), "0/1\n1/1\n1/2\n2/1\n3/1\n", "{run}");
    assert!(!run.stderr().contains("warning"), "{run}");
    assert!(run.stderr().ends_with("4 handled, 1 retry\n"), "{run}");
    let doctor = shop.pf.run(&["doctor"]).succeeded();
    assert!(!doctor.stdout().contains("max-pending"), "{doctor}");
}
