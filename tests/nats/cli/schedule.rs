//! `pf schedule` where the server fires what is due.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::shop::Shop;

fn delayed(shop: &Shop, id: &str, delay: &str) -> String {
    let publish = [
        "publish",
        "order",
        r#"{"n":1}"#,
        "--id",
        id,
        "--source",
        "shop",
        "--delay",
        delay,
    ];
    let _ = shop.pf.run(&publish).succeeded();
    let waiting = shop
        .pf
        .run(&["schedule", "list", "-o", "json"])
        .succeeded()
        .json();
    let mine = waiting.iter().find(|record| record["event"]["id"] == id);
    mine.unwrap()["schedule"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_waits_is_listed_shown_and_called_off() {
    let shop = Shop::prepared();
    let late = delayed(&shop, "late", "2h");
    let soon = delayed(&shop, "soon", "1h");
    let told = |args: &[&str]| {
        let text = shop.show(args);
        text.replace(&late, "[LATE]").replace(&soon, "[SOON]")
    };
    assert_snapshot!(told(&["schedule", "list"]), @"
    exit: 0
    --- stdout
    [LATE]  [TIME]  order  late
    [SOON]  [TIME]  order  soon

    --- stderr
    ");
    assert_snapshot!(told(&["schedule", "show", &soon]), @r#"
    exit: 0
    --- stdout
    schedule   [SOON]
    due        [TIME]
    topic      order
    payload
        {"specversion":"1.0","id":"soon","source":"shop","type":"order","time":"[TIME]","datacontenttype":"application/json","data":{"n":1}}


    --- stderr
    "#);
    assert_snapshot!(told(&["schedule", "cancel", &soon]), @"
    exit: 0
    --- stdout
    cancelled [SOON]

    --- stderr
    ");
    assert_snapshot!(told(&["schedule", "cancel", &soon]), @"
    exit: 1
    --- stdout

    --- stderr
    error: no schedule `[SOON]`
    hint: its event may have been delivered; `pf schedule list` shows the pending ones
    ");
    assert_eq!(shop.raw.scheduled(), 1);
    let _ = shop
        .pf
        .run(&["schedule", "cancel", &late[..20]])
        .succeeded();
    assert_eq!(shop.raw.scheduled(), 0);
    let tail = shop
        .pf
        .run(&["tail", "--since", "1h", "--until-end"])
        .succeeded();
    assert_eq!(tail.stdout(), "", "nobody saw them");
}

#[test]
fn a_delayed_event_comes_when_it_is_due() {
    let shop = Shop::prepared();
    let start = Instant::now();
    delayed(&shop, "e1", "1s");
    let tail = [
        "tail",
        "order",
        "--since",
        "1h",
        "--count",
        "1",
        "--timeout",
        "30s",
        "-o",
        "event",
    ];
    let run = shop.pf.run(&tail).succeeded();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(run.json()[0]["id"], "e1");
    assert_eq!(shop.raw.scheduled(), 0);
}

#[test]
fn a_delay_that_the_stream_would_swallow_is_refused() {
    let shop = Shop::prepared();
    assert_snapshot!(shop.show(&["publish", "order", "{}", "--delay", "8d"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: `nats` has no delays longer than 6days 23h 59m 58s
    ");
    assert_eq!(shop.raw.scheduled(), 0);
}

#[test]
fn what_waits_gets_another_time() {
    let shop = Shop::prepared();
    let id = delayed(&shop, "late", "2h");
    let told = |args: &[&str]| shop.show(args).replace(&id, "[LATE]");
    assert_snapshot!(told(&["schedule", "reschedule", &id, "--delay", "30d"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: nats: the stream drops events after 7days, before this one is due
    hint: raise the stream's `max_age`
    ");
    let past = shop
        .pf
        .run(&["schedule", "reschedule", &id, "--delay", "-5s"]);
    assert_eq!(past.code(), Some(2), "{past}");
    assert!(past.stderr().contains("not a valid duration"), "{past}");
    assert_snapshot!(told(&["schedule", "reschedule", &id, "--delay", "1s"]), @"
    exit: 0
    --- stdout
    rescheduled [LATE] to [TIME]

    --- stderr
    ");
    assert_eq!(shop.raw.scheduled(), 1, "the old time counts no more");
    let tail = [
        "tail",
        "order",
        "--since",
        "1h",
        "--count",
        "1",
        "--timeout",
    ];
    let run = shop
        .pf
        .run(&[&tail[..], &["30s", "-o", "event"]].concat())
        .succeeded();
    assert_eq!(run.json()[0]["id"], "late");
    assert_snapshot!(told(&["schedule", "reschedule", &id, "--delay", "1h"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: no schedule `[LATE]`
    hint: its event may have been delivered; `pf schedule list` shows the pending ones
    ");
    assert_eq!(shop.raw.scheduled(), 0);
}
