//! `pf caps` and `pf doctor`.

use insta::assert_snapshot;

use crate::{asked, shop::Shop};

/// Shows what a command did, without the name that the cluster gave itself.
fn show(shop: &Shop, args: &[&str]) -> String {
    let shown = shop.show(args);
    let Some((before, rest)) = shown.split_once("cluster ") else {
        return shown;
    };
    let end = rest.find([')', ':']).unwrap();
    format!("{before}cluster [NAME]{}", &rest[end..])
}

#[test]
fn a_cluster_can_do_this() {
    let shop = Shop::empty();
    assert_snapshot!(show(&shop, &["caps"]), @"");
    let _ = shop
        .pf
        .run(&["caps", "--require", "delay,dlq,exactly-once-replay:native"])
        .succeeded();
    assert_snapshot!(show(&shop, &["caps", "--require", "delay:native"]), @"");
}

#[test]
fn what_is_missing_is_made_when_asked() {
    let shop = Shop::with_orders();
    assert_snapshot!(show(&shop, &["doctor"]), @"");
    assert_snapshot!(show(&shop, &["doctor", "--fix"]), @"");
    assert_snapshot!(show(&shop, &["doctor"]), @"");
}

#[test]
fn settings_that_bite_are_told_and_those_of_ours_mended() {
    let shop = Shop::empty();
    let settings = [
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "2000000"),
    ];
    shop.make("order.created", 1, &settings);
    shop.make("order.paid", 1, &[("retention.ms", "60000")]);
    shop.make("order.created.dlq", 1, &[("segment.ms", "900000")]);
    shop.make("pf.delay", 1, &[("delete.retention.ms", "1000")]);
    shop.make("pf.state", 1, &[("cleanup.policy", "compact")]);
    assert_snapshot!(show(&shop, &["doctor"]), @"");
    assert_snapshot!(show(&shop, &["doctor", "--fix"]), @"");
    assert_eq!(
        asked::setting(&shop, &shop.name("order.created.dlq"), "segment.ms"),
        "900000"
    );
}

#[test]
fn groups_and_their_lag_are_shown() {
    let shop = Shop::with_orders();
    let records = vec![crate::raw::Record::default(); 5];
    let name = shop.name("order.created");
    shop.raw.write(&name, &records);
    asked::commit(&shop, "doctor-lag", &name, 2);
    assert_snapshot!(show(&shop, &["doctor"]), @"");
    shop.raw.remove_before(&name, 0, 4);
    let run = shop.pf.run(&["doctor"]);
    assert_eq!(run.code(), Some(1), "{run}");
    let told = "retention removed 2 records";
    assert!(run.stdout().contains(told), "{run}");
}
