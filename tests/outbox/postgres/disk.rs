//! The disk of the database is full.

use std::{path::Path, process::Command, time::Duration};

use protoflow::{
    outbox::{RelayNotice, RelayOptions},
    transport::ErrorKind,
};
use test_support::wait::until;
use tokio_postgres::{Client, error::SqlState};

use super::fixture::{Shop, count};
use crate::harness::{FileTarget, Verdict, judge, options, start, target};

/// A file system of a few MiB.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one; none if this user may not.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let owner = "size=4m,mode=0700,uid=postgres,gid=postgres";
        mount(&["-t", "tmpfs", "-o", owner, "tmpfs"], folder.path()).then_some(Self(folder))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=64m"], self.0.path()));
    }
}

fn mount(arguments: &[&str], place: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(place).output();
    mounted.is_ok_and(|mounted| mounted.status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Inserts events of one key until the disk is full; returns those that were committed.
async fn fill(client: &Client) -> Vec<String> {
    let insert = "INSERT INTO pf_outbox (topic, key, event) VALUES ('orders', 'k', \
         '{\"specversion\":\"1.0\",\"id\":\"' || $1::text || '\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"n\":' \
         || $1::text || ',\"pad\":\"' || repeat('x', 1500) || '\"}}')";
    let insert = client.prepare(insert).await.unwrap();
    let mut committed = Vec::new();
    for n in 0..100_000_u64 {
        let id = n.to_string();
        match client.execute(&insert, &[&id]).await {
            Ok(_) => committed.push(id),
            Err(error) => {
                assert_eq!(error.code(), Some(&SqlState::DISK_FULL), "{error}");
                return committed;
            }
        }
    }
    panic!("the disk is larger than expected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_and_doubles_nothing_and_is_reported() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("left out: only root can mount a small disk");
        return;
    };
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let client = shop.client().await;
    let place = disk.0.path().display();
    // Only the outbox is on it: without room for its journal the server itself would stop.
    for sql in [
        format!("CREATE TABLESPACE small LOCATION '{place}'"),
        "ALTER TABLE pf_outbox SET TABLESPACE small".to_owned(),
        "ALTER TABLE pf_outbox SET (autovacuum_enabled = false)".to_owned(),
    ] {
        client.batch_execute(&sql).await.unwrap();
    }
    let committed = fill(&client).await;
    assert!(committed.len() > 100, "{}", committed.len());
    // A relay that keeps rows writes a new version of each, for which there is no room.
    let keep = RelayOptions {
        keep: Some(Duration::from_hours(1)),
        ..options()
    };
    let relay = start(&shop.outbox, &target(&file.url()).await, keep);
    let is_full = |notice: &RelayNotice| matches!(notice, RelayNotice::Outage(error) if error.kind() == ErrorKind::Full);
    until("it is reported", || relay.notices.count(is_full) > 0);
    assert_eq!(
        count(&client, "pf_outbox").await,
        i64::try_from(committed.len()).unwrap(),
        "nothing is lost"
    );
    disk.grow();
    until("all are published", || {
        file.stored().len() >= committed.len()
    });
    let answers = |notice: &RelayNotice| matches!(notice, RelayNotice::Recovered);
    until("it answers", || relay.notices.count(answers) > 0);
    relay.end().await;
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
    assert_eq!(count(&client, "pf_outbox WHERE sent_at IS NULL").await, 0);
}
