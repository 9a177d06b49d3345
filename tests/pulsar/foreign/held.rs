//! A subscription that Python's client holds.

use std::{
    io::{BufRead as _, BufReader},
    time::{Duration, Instant},
};

use super::client::Holder;
use crate::cli::shop::Shop;

const CONSUME: [&str; 6] = ["consume", "order.created", "-g", "billing", "--", "true"];

/// It is named within a second; with `--wait` its end is noticed within two.
#[test]
fn an_exclusive_subscription_is_taken_over_from_another_client() {
    let shop = Shop::with_orders("?type=exclusive");
    let holder = Holder::new(&shop, "order.created", "billing", "Exclusive");
    // What the program needs to start is not counted.
    let started = Instant::now();
    let _ = shop.pf.run(&["caps"]).succeeded();
    let start = started.elapsed();
    // The first one creates the internal topics, too; on a busy machine the quickest counts.
    let refuse = || {
        let begun = Instant::now();
        let refused = shop.pf.run(&CONSUME);
        (begun.elapsed(), refused)
    };
    let attempts = std::iter::repeat_with(refuse).take(5);
    let (told, refused) = attempts.min_by_key(|(took, _)| *took).unwrap();
    assert_eq!(refused.code(), Some(1), "{refused}");
    let stderr = refused.stderr();
    for part in [
        "consumer `the-holder` at 127.0.0.1:",
        "exclusive subscription `billing`",
        "--wait",
    ] {
        assert!(stderr.contains(part), "{refused}");
    }
    assert!(
        told < start + Duration::from_secs(1),
        "{told:?}, of which the start {start:?}"
    );

    let mut waiting = vec![CONSUME[0], "--wait", "--count", "1"];
    waiting.extend(&CONSUME[1..]);
    let mut waits = shop.pf.spawn(&waiting);
    let mut lines = BufReader::new(waits.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("waiting: consumer `the-holder`")));
    let _ = shop.pf.run(&["publish", "order.created", "{}"]).succeeded();
    holder.leave();
    let begun = Instant::now();
    assert!(waits.wait().unwrap().success());
    let taken = begun.elapsed();
    println!("the holder is named after {told:?}, and taken over from after {taken:?}");
    assert!(taken < Duration::from_secs(2), "{taken:?}");
}

/// Waiting does not help where the type is another one.
#[test]
fn a_subscription_of_another_type_has_its_own_hint() {
    for (of_holder, parameter, hint) in [
        ("Shared", "?type=exclusive", "type=shared"),
        ("KeyShared", "?type=failover", "type=key_shared"),
        ("Failover", "", "type=failover"),
        ("Exclusive", "", "type=exclusive"),
    ] {
        let shop = Shop::with_orders(parameter);
        let holder = Holder::new(&shop, "order.created", "billing", of_holder);
        for wait in [&[][..], &["--wait"]] {
            let consume = [&CONSUME[..4], wait, &CONSUME[4..]].concat();
            let run = shop.pf.run(&consume);
            assert_eq!(run.code(), Some(78), "{of_holder}: {run}");
            assert!(run.stderr().contains(hint), "{of_holder}: {run}");
            let holder = format!(
                "another type, {}",
                of_holder.replace("KeyShared", "Key_Shared")
            );
            assert!(run.stderr().contains(&holder), "{of_holder}: {run}");
        }
        holder.leave();
    }
}
