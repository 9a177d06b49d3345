//! An outbox that is divided among relays, and divided otherwise later.

use std::time::Duration;

use protoflow::outbox::{RelayNotice, RelayOptions, postgres::enqueue};
use test_support::wait::until;
use tokio::time::timeout;

use super::fixture::{Shop, count};
use crate::harness::{FileTarget, Verdict, entry, judge, options, start, target};

fn divided(shards: i32) -> RelayOptions {
    RelayOptions {
        shards,
        ..options()
    }
}

async fn insert(shop: &Shop, numbers: std::ops::Range<u64>) -> Vec<String> {
    let mut client = shop.client().await;
    let transaction = client.transaction().await.unwrap();
    let mut ids = Vec::new();
    for n in numbers {
        ids.push(format!("e-{n}"));
        let entry = entry(&ids[ids.len() - 1], &format!("k-{}", n % 7), n);
        enqueue(&transaction, &entry).await.unwrap();
    }
    transaction.commit().await.unwrap();
    ids
}

/// Returns the highest fencing number of the relays that led.
fn fence(notices: &[RelayNotice]) -> i64 {
    let fences = notices.iter().filter_map(|notice| match notice {
        RelayNotice::Leads { fence, .. } => Some(*fence),
        _ => None,
    });
    fences.max().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_divide_the_keys_and_may_be_changed_and_changed_back() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let target = target(&file.url()).await;
    let (mut committed, mut fences) = (Vec::new(), Vec::new());
    for (round, shards) in [(0_u64, 3), (1, 2), (2, 1), (3, 3)] {
        committed.extend(insert(&shop, round * 200..(round + 1) * 200).await);
        let until_end = RelayOptions {
            until_end: true,
            ..divided(shards)
        };
        let (notices, summary) = start(&shop.outbox, &target, until_end).finish().await;
        assert_eq!(summary.sent, 200);
        let lost = |notice: &RelayNotice| matches!(notice, RelayNotice::Lost);
        assert_eq!(notices.count(lost), 0, "the target knows its numbers");
        fences.push(fence(&notices.all()));
        let relays = shop.outbox.status().await.unwrap().relays;
        let of: Vec<_> = relays.iter().map(|relay| relay.shards).collect();
        assert_eq!(of, vec![shards; usize::try_from(shards).unwrap()]);
    }
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
    // 1 for the relay, 2 for the one that retired it, 3 for the next.
    assert_eq!(fences[..3], [1, 1, 1]);
    assert!(fences[3] > 2, "the numbering goes on: {fences:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_gives_way_to_one_of_another_division_whose_lease_revives() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let target = target(&file.url()).await;
    insert(&shop, 0..10).await;
    let (mut slow, observer) = (shop.client().await, shop.client().await);
    let expired = "INSERT INTO pf_outbox_lease (shard, shards, holder, fence, until) \
         VALUES (0, 3, 'slow', 1, now() - interval '1 minute')";
    slow.execute(expired, &[]).await.unwrap();
    // The holder of the expired lease is about to extend it, while another one takes over.
    let renewal = slow.transaction().await.unwrap();
    let lock = "SELECT 1 FROM pf_outbox_lease WHERE shards = 3 FOR UPDATE";
    renewal.query_one(lock, &[]).await.unwrap();
    let relay = start(&shop.outbox, &target, divided(1));
    let waiting =
        "pg_stat_activity WHERE application_name = 'pf outbox' AND wait_event_type = 'Lock'";
    let waits = async {
        while count(&observer, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), waits).await.unwrap();
    let extend = "UPDATE pf_outbox_lease SET until = now() + interval '1 hour' WHERE shards = 3";
    renewal.execute(extend, &[]).await.unwrap();
    renewal.commit().await.unwrap();
    let waits = |notice: &RelayNotice| matches!(notice, RelayNotice::Waits { holder, .. } if holder == "slow");
    until("it gives way", || relay.notices.count(waits) > 0);
    let leads = |notice: &RelayNotice| matches!(notice, RelayNotice::Leads { .. });
    assert_eq!(relay.notices.count(leads), 0);
    let end = "UPDATE pf_outbox_lease SET until = now() WHERE shards = 3";
    observer.execute(end, &[]).await.unwrap();
    until("it leads", || relay.notices.count(leads) == 1);
    until("all are published", || file.stored().len() == 10);
    relay.end().await;
    // What the other one asks for now is refused.
    let renew = "pf_outbox_lease WHERE shards = 3 AND fence = 1";
    assert_eq!(count(&observer, renew).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_of_another_division_takes_no_lease() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let target = target(&file.url()).await;
    let leading = start(&shop.outbox, &target, divided(1));
    let leads = |notice: &RelayNotice| matches!(notice, RelayNotice::Leads { .. });
    until("it leads", || leading.notices.count(leads) == 1);
    let standby = start(&shop.outbox, &target, divided(2));
    let waits = |notice: &RelayNotice| matches!(notice, RelayNotice::Waits { .. });
    until("both shards wait", || standby.notices.count(waits) == 2);
    // A lease that was given back at once would have left its fencing number.
    let client = shop.client().await;
    assert_eq!(count(&client, "pf_outbox_lease WHERE shards = 2").await, 0);
    standby.end().await;
    leading.end().await;
}
