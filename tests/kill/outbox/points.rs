//! Every fail point of a relay.

use protoflow::outbox::{Outbox, sqlite::enqueue};
use test_support::{kafka, nats};

use super::{POINTS, entry, relay, target::Target};

/// Kills a relay at a point, and lets another finish.
fn survive(point: &str, target: &Target) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let mut app = rusqlite::Connection::open(&path).unwrap();
    app.execute_batch("CREATE TABLE orders(id TEXT)").unwrap();
    let from = format!("sqlite:{}", path.display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        Outbox::new(&from.parse().unwrap())
            .unwrap()
            .create()
            .await
            .unwrap();
    });
    let transaction = app.transaction().unwrap();
    let mut committed = Vec::new();
    for n in 0..1200 {
        let id = format!("e-{n}");
        enqueue(
            &transaction,
            &entry("orders", &id, &format!("k-{}", n % 7), n),
        )
        .unwrap();
        committed.push(id);
    }
    transaction.commit().unwrap();
    let until_end = |armed: Option<&str>| {
        let mut command = relay(&from, &target.url, folder.path());
        command.args(["--until-end", "--create"]);
        if let Some(point) = armed {
            command.env("PF_FAILPOINT", point);
        }
        command.status().unwrap()
    };
    if point == "outbox.recovering" {
        // Only a relay whose predecessor died has something to recover.
        assert!(!until_end(Some("outbox.published:2")).success());
    }
    assert!(
        !until_end(Some(&format!("{point}:1"))).success(),
        "{point} is reached"
    );
    assert!(until_end(None).success());
    target.judge(&committed);
}

#[test]
fn a_relay_to_sqlite_survives_every_fail_point() {
    for point in POINTS {
        survive(point, &Target::sqlite());
    }
}

#[test]
fn a_relay_to_kafka_survives_every_fail_point() {
    let broker = kafka::Broker::shared();
    for point in POINTS {
        survive(point, &Target::kafka(broker, &point.replace('.', "-")));
    }
}

#[test]
fn a_relay_to_nats_survives_every_fail_point() {
    let broker = nats::Broker::start();
    for point in POINTS {
        survive(point, &Target::nats(&broker, &point.replace('.', "-")));
    }
}
