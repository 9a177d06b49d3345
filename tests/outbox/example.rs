//! The shop of `examples/outbox`, run as its users would run it.

use std::{path::Path, process::Command};

use test_support::{harness::program, kafka};

#[test]
fn the_shop_handles_each_event_once_and_in_order() {
    let broker = kafka::Broker::shared();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/outbox/run.sh");
    // It waits for single steps for two minutes at most, and cleans up when it is ended.
    let run = Command::new("timeout")
        .args(["--kill-after=30", "400"])
        .arg(script)
        .env("KAFKA", broker.address())
        .env("PF", program())
        .env("ORDERS", "100")
        .output()
        .unwrap();
    let (told, errors) = (
        String::from_utf8(run.stdout).unwrap(),
        String::from_utf8(run.stderr).unwrap(),
    );
    assert!(run.status.success(), "{told}{errors}");
    for line in [
        "shop: 50 orders placed, 5 payments declined, 95 events committed",
        "kafka: 190 events stored, 0 of them twice",
        "mailer: 190 mails, 0 of them twice",
        "mailer: 0 orders were paid before they were placed",
    ] {
        assert!(
            told.lines().any(|told| told == line),
            "{line}: {told}{errors}"
        );
    }
    assert!(told.contains("relay: killed while "), "{told}");
    assert!(told.contains("nothing is to be published now"), "{told}");
}
