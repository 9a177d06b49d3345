//! `pf schedule` where the broker has no index that clients can read.

use insta::assert_snapshot;
use test_support::wait::until;

use super::shop::Shop;

fn delayed(shop: &Shop, id: &str, delay: &str) -> String {
    let publish = [
        "publish",
        "order.created",
        "1",
        "--id",
        id,
        "--source",
        "shop",
        "--delay",
        delay,
        "-o",
        "json",
    ];
    let receipt = shop.pf.run(&publish).succeeded().json();
    receipt[0]["schedule"].as_str().unwrap().to_owned()
}

fn consumed(shop: &Shop, group: &str) -> String {
    let consume = [
        "consume",
        "order.created",
        "--group",
        group,
        "--until-end",
        "-q",
        "--",
        "sh",
        "-c",
        "echo $PF_EVENT_ID",
    ];
    shop.pf.run(&consume).succeeded().stdout().to_owned()
}

#[test]
fn what_waits_is_listed_shown_and_cancelled() {
    let shop = Shop::with_orders("");
    assert_eq!(consumed(&shop, "before"), "");
    let late = delayed(&shop, "late", "2h");
    let soon = delayed(&shop, "soon", "1h");
    let told = |args: &[&str]| {
        let text = shop.show(args);
        text.replace(&late, "[LATE]").replace(&soon, "[SOON]")
    };
    assert_snapshot!(told(&["schedule", "list"]), @"
    exit: 0
    --- stdout
    [LATE]  [TIME]  order.created  late
    [SOON]  [TIME]  order.created  soon

    --- stderr
    ");
    assert_snapshot!(told(&["schedule", "show", &soon]), @r#"
    exit: 0
    --- stdout
    schedule   [SOON]
    due        [TIME]
    topic      order.created
    payload
        {"specversion":"1.0","id":"soon","source":"shop","type":"order.created","time":"[TIME]","datacontenttype":"application/json","data":1}


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
    hint: did you mean `[LATE]`?
    ");
    assert_snapshot!(told(&["schedule", "cancel", "order.created/999:0:-1"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: no schedule `order.created/999:0:-1`
    hint: did you mean `[LATE]`?
    ");
    assert_snapshot!(told(&["schedule", "list"]), @"
    exit: 0
    --- stdout
    [LATE]  [TIME]  order.created  late

    --- stderr
    ");
}

/// Groups that exist, one that begins later, and a tail.
#[test]
fn what_is_cancelled_is_seen_by_nobody() {
    let shop = Shop::with_orders("");
    assert_eq!(consumed(&shop, "before"), "");
    let cancelled = delayed(&shop, "cancelled", "4s");
    let _ = delayed(&shop, "kept", "4500ms");
    let _ = shop.pf.run(&["schedule", "cancel", &cancelled]).succeeded();
    until("the other one is due", || {
        let tail = ["tail", "order.created", "--until-end", "-o", "event"];
        !shop.pf.run(&tail).succeeded().stdout().is_empty()
    });
    assert_eq!(consumed(&shop, "before"), "kept\n");
    assert_eq!(consumed(&shop, "after"), "kept\n");
    let tail = ["tail", "order.created", "--until-end", "-o", "event"];
    let tailed = shop.pf.run(&tail).succeeded();
    assert!(!tailed.stdout().contains("cancelled"), "{tailed}");
}

/// A cancellation that was interrupted can be repeated.
#[test]
fn a_crash_leaves_an_event_that_is_listed() {
    let shop = Shop::with_orders("");
    let id = delayed(&shop, "e", "1h");
    let cancel = ["schedule", "cancel", id.as_str()];
    let crashing = Shop::of(&shop.namespace)
        .pf
        .env("PF_FAILPOINT", "pulsar.withdrawn:1");
    let crashed = crashing.run(&cancel);
    assert_eq!(crashed.code(), None, "{crashed}");
    let _ = shop.pf.run(&cancel).succeeded();
    let listed = shop.pf.run(&["schedule", "list"]).succeeded();
    assert_eq!(listed.stdout(), "");
}
