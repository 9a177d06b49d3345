//! `Outbox::diagnose`: what is wrong with an outbox, by name and with its fix.

use std::time::Duration;

use protoflow::{
    outbox::{Outbox, RelayNotice, postgres::enqueue},
    transport::{Finding, FindingLevel},
};
use test_support::{postgres::Pooler, wait::until};

use super::fixture::Shop;
use crate::harness::{FileTarget, entry, options, outbox, start, target};

async fn finding(outbox: &Outbox, name: &str) -> Finding {
    let findings = outbox.diagnose().await.unwrap();
    let found = findings.iter().find(|finding| finding.name == name);
    found
        .unwrap_or_else(|| panic!("{name} in {findings:?}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_outbox_and_one_of_another_shape_are_problems() {
    let shop = Shop::without_outbox();
    let absent = finding(&shop.outbox, "outbox").await;
    assert_eq!(absent.level, FindingLevel::Problem);
    assert_eq!(absent.text, "there is no outbox in the schema `public`");
    assert_eq!(absent.fix.unwrap(), "pf outbox create --in URL");
    let client = shop.client().await;
    let other = "CREATE TABLE pf_outbox(id bigint, topic text)";
    client.batch_execute(other).await.unwrap();
    let other = finding(&shop.outbox, "outbox").await;
    assert!(other.text.contains("has no column `key`"), "{}", other.text);
    client.batch_execute("DROP TABLE pf_outbox").await.unwrap();
    shop.outbox.create().await.unwrap();
    let newer = "UPDATE pf_outbox_meta SET value = '2' WHERE name = 'version'";
    client.batch_execute(newer).await.unwrap();
    let newer = finding(&shop.outbox, "outbox").await;
    assert_eq!(
        newer.text,
        "the outbox has version 2; this program knows version 1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_and_waiting_rows_are_reported() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let idle = finding(&shop.outbox, "outbox-relays").await;
    assert_eq!(
        (idle.level, idle.text.as_str()),
        (FindingLevel::Warning, "no relay runs")
    );
    let mut client = shop.client().await;
    let transaction = client.transaction().await.unwrap();
    enqueue(&transaction, &entry("1", "a", 1)).await.unwrap();
    transaction
        .execute(
            "INSERT INTO pf_outbox(topic, key, event) VALUES ('t', 'b', '{}')",
            &[],
        )
        .await
        .unwrap();
    transaction
        .execute(
            "UPDATE pf_outbox SET created_at = now() - interval '1 hour'",
            &[],
        )
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let stuck = finding(&shop.outbox, "outbox-relays").await;
    assert_eq!(stuck.level, FindingLevel::Problem);
    assert_eq!(stuck.text, "no relay runs, and 2 rows are to be published");
    let late = finding(&shop.outbox, "outbox-waiting").await;
    assert_eq!(late.level, FindingLevel::Warning);
    assert!(late.text.contains("the oldest for 1h"), "{}", late.text);
    let relay = start(&shop.outbox, &target(&file.url()).await, options());
    let refused = |notice: &RelayNotice| matches!(notice, RelayNotice::Refused { .. });
    until("one is refused", || relay.notices.count(refused) > 0);
    let leads = finding(&shop.outbox, "outbox-relays").await;
    assert_eq!(leads.level, FindingLevel::Ok);
    assert!(leads.text.starts_with("led by process "), "{}", leads.text);
    let refused = finding(&shop.outbox, "outbox-refused").await;
    assert_eq!(refused.text, "1 row was refused and holds up its key");
    assert!(shop.outbox.park(2).await.unwrap());
    let parked = finding(&shop.outbox, "outbox-parked").await;
    assert_eq!(parked.level, FindingLevel::Warning);
    assert_eq!(parked.text, "1 row is parked and will not be published");
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_named_with_its_grant() {
    let shop = Shop::open().await;
    let client = shop.client().await;
    let roles = "CREATE ROLE pf_relay LOGIN; GRANT SELECT ON pf_outbox, pf_outbox_lease, pf_outbox_meta TO pf_relay;";
    client.batch_execute(roles).await.unwrap();
    let relay = shop.outbox_of("pf_relay");
    let rights = finding(&relay, "outbox-rights").await;
    assert_eq!(rights.level, FindingLevel::Problem);
    assert!(
        rights
            .text
            .starts_with("the user `pf_relay` may not relay: no DELETE ON pf_outbox"),
        "{}",
        rights.text
    );
    let grant = "GRANT SELECT, DELETE, UPDATE (sent_at, parked_at, attempts, error) ON public.pf_outbox TO pf_relay;";
    assert!(rights.fix.unwrap().contains(grant));
    let vacuum = finding(&relay, "outbox-vacuum").await;
    assert_eq!(vacuum.fix.unwrap(), "GRANT pg_read_all_stats TO pf_relay;");
    // Without any right, the tables are not even readable: that is all there is to say.
    client
        .batch_execute("CREATE ROLE stranger LOGIN")
        .await
        .unwrap();
    let stranger = shop.outbox_of("stranger").diagnose().await.unwrap();
    assert_eq!(stranger.len(), 1);
    assert_eq!(stranger[0].level, FindingLevel::Problem);
    assert!(
        stranger[0].text.contains("permission denied"),
        "{stranger:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_in_transaction_mode_is_recognised() {
    let shop = Shop::open().await;
    let direct = finding(&shop.outbox, "outbox-connection").await;
    assert_eq!(direct.text, "each session has a process of the server");
    let pooler = Pooler::start(&shop.server).expect("pgbouncer is installed");
    let through = outbox(&pooler.url("test", "postgres"));
    let found = finding(&through, "outbox-connection").await;
    assert_eq!(found.level, FindingLevel::Ok);
    assert!(
        found.text.contains("in transaction mode, as PgBouncer"),
        "{}",
        found.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transaction_that_holds_up_vacuum_is_named() {
    let shop = Shop::open().await;
    let sound = finding(&shop.outbox, "outbox-vacuum").await;
    assert_eq!(sound.level, FindingLevel::Ok);
    let client = shop.client().await;
    let slow = "SET application_name = 'report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'slow' AS slow";
    client.batch_execute(slow).await.unwrap();
    let end = std::time::Instant::now() + Duration::from_mins(1);
    let vacuum = loop {
        let vacuum = finding(&shop.outbox, "outbox-vacuum").await;
        if vacuum.level == FindingLevel::Warning {
            break vacuum;
        }
        assert!(
            std::time::Instant::now() < end,
            "it is found after ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(
        vacuum
            .text
            .contains("of `test` (report, idle in transaction)"),
        "{}",
        vacuum.text
    );
    assert!(
        vacuum.text.ends_with("SELECT 'slow' AS slow"),
        "{}",
        vacuum.text
    );
    assert!(
        vacuum
            .fix
            .unwrap()
            .starts_with("SELECT pg_terminate_backend(")
    );
}
