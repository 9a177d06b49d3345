//! What a group knows of its members.

use std::process::Child;

use test_support::wait::wait_while;

use super::{asked, shop::Shop};

/// Starts a consumer that has a name.
fn start(shop: &Shop) -> Child {
    let group = shop.name("mail");
    let member = [
        "consume",
        "order.created",
        "--group",
        &group,
        "--instance",
        "one",
    ];
    shop.pf
        .spawn(&[&member[..], &["--count", "1", "--", "cat"]].concat())
}

#[test]
fn a_member_with_a_name_is_known_again() {
    let shop = Shop::with_orders();
    let group = shop.name("mail");
    let mut killed = start(&shop);
    wait_while(|| shop.raw.members(&group) == 0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let again = start(&shop);
    let published = shop.pf.run(&["publish", "order.created", "{}"]);
    let _ = published.succeeded();
    let handled = std::thread::scope(|scope| {
        let handled = scope.spawn(|| shop.pf.finish(again));
        while !handled.is_finished() {
            // A member without a name would stand beside the one that was killed, until that is given up.
            assert!(shop.raw.members(&group) <= 1);
        }
        handled.join().unwrap()
    });
    assert!(handled.stdout().contains("order.created"));
}

#[test]
fn of_two_with_a_name_the_first_ends() {
    let shop = Shop::with_orders();
    let group = shop.name("mail");
    let first = start(&shop);
    wait_while(|| shop.raw.members(&group) == 0);
    let mut second = start(&shop);
    let first = shop.pf.finish(first);
    second.kill().unwrap();
    second.wait().unwrap();
    insta::assert_snapshot!(shop.hide(&first), @r"
    exit: 1
    --- stdout

    --- stderr
    consuming order.created as group mail: cat
    created topic pf.mail.order.created.HASH.delay for retries of order.created
    created topic pf.delay for delayed events
    created topic order.created.dlq for dead letters of order.created
    created topic pf.state for the state of dead letters
    group mail is new: starts at the earliest event
    error: kafka: reading failed: static consumer fenced by other consumer with same group.instance.id
    hint: another member of the group has the same `--instance`
    ");
}

#[test]
fn the_newer_protocol_of_groups_is_spoken() {
    let shop = Shop::with_orders();
    let publish = ["publish", "order.created", "--lines"];
    let _ = shop.pf.run_with(&publish, "1\n2\n3\n").succeeded();
    let (group, url) = (shop.name("mail"), shop.url("group.protocol=consumer"));
    let consume = ["consume", "order.created", "--until-end", "--url", &url];
    let handle = [
        "--group",
        &group,
        "--stdin",
        "data",
        "--",
        "sh",
        "-c",
        "cat; echo",
    ];
    let consume = [&consume[..], &handle].concat();
    let first = shop.pf.run(&consume).succeeded();
    assert_eq!(first.stdout(), "1\n2\n3\n");
    let second = shop.pf.run(&consume).succeeded();
    assert_eq!(second.stdout(), "");
}

#[test]
fn a_log_that_ends_before_the_position_of_the_group_is_read_again() {
    let shop = Shop::with_orders();
    let publish = ["publish", "order.created", "--lines"];
    let _ = shop.pf.run_with(&publish, "1\n2\n").succeeded();
    let group = shop.name("mail");
    asked::commit(&shop, &group, &shop.name("order.created"), 9);
    let consume = ["consume", "order.created", "--until-end", "--group", &group];
    let handle = ["--stdin", "data", "--", "sh", "-c", "cat; echo"];
    insta::assert_snapshot!(shop.show(&[&consume[..], &handle].concat()), @"
    exit: 4
    --- stdout
    1
    2

    --- stderr
    consuming order.created as group mail: sh -c 'cat; echo'
    created topic pf.mail.order.created.HASH.delay for retries of order.created
    created topic pf.delay for delayed events
    created topic order.created.dlq for dead letters of order.created
    created topic pf.state for the state of dead letters
    warning: messages were removed before they were read: kafka: `order.created`, partition 0, ends at offset 2, but was read up to 9 before: its broker lost records, or the topic was recreated; it is read from its beginning
    2 handled
    error: messages were removed before the group had handled them
    ");
}
