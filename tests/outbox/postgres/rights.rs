//! Each role has exactly the rights that are printed.

use protoflow::{
    outbox::{RowFilter, postgres::enqueue},
    transport::ErrorKind,
};
use tokio_postgres::error::SqlState;

use super::fixture::{Shop, connect};
use crate::harness::{FileTarget, drain, entry, options, start, target};

/// Creates both roles with what `--print` says, and nothing else.
async fn with_roles() -> Shop {
    let shop = Shop::without_outbox();
    let client = shop.client().await;
    let roles = "REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE ROLE pf_writer LOGIN; CREATE ROLE pf_relay LOGIN;";
    client.batch_execute(roles).await.unwrap();
    client.batch_execute(&shop.outbox.ddl()).await.unwrap();
    shop
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_inserts_and_a_relay_publishes_with_the_printed_rights() {
    let (shop, file) = (with_roles().await, FileTarget::new());
    let mut writer = connect(&shop.server.url("pf_writer", "postgres")).await;
    let id: String = writer
        .query_one(
            "SELECT pf_emit('order.created', 'order.created', '/shop', '{\"n\": 1}', key => 'k')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let transaction = writer.transaction().await.unwrap();
    enqueue(&transaction, &entry("lib", "k", 2)).await.unwrap();
    transaction.commit().await.unwrap();
    for refused in [
        "SELECT * FROM pf_outbox",
        "DELETE FROM pf_outbox",
        "SELECT * FROM pf_outbox_lease",
    ] {
        let error = writer.query(refused, &[]).await.unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{refused}"
        );
    }
    let relay = shop.outbox_of("pf_relay");
    assert_eq!(drain(&relay, &target(&file.url()).await).await.sent, 2);
    let stored = file.stored();
    assert_eq!(
        (stored[0].text("/id"), stored[1].text("/id")),
        (id, "lib".to_owned())
    );
    assert_eq!(stored[0].text("/data/n"), "1");
    relay.status().await.unwrap();
    relay.list(RowFilter::Unsent, 0, 1).await.unwrap();
    let relaying = connect(&shop.server.url("pf_relay", "postgres")).await;
    // Without the fencing numbers a later relay would begin at the first one again.
    for refused in [
        "INSERT INTO pf_outbox(topic, event) VALUES('t', '{}')",
        "DELETE FROM pf_outbox_lease",
    ] {
        let error = relaying.execute(refused, &[]).await.unwrap_err();
        let denied = Some(&SqlState::INSUFFICIENT_PRIVILEGE);
        assert_eq!(error.code(), denied, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_function_is_for_those_who_were_granted_it_and_runs_with_their_rights() {
    let shop = with_roles().await;
    let client = shop.client().await;
    client
        .batch_execute("CREATE ROLE other LOGIN; GRANT USAGE ON SCHEMA public TO other;")
        .await
        .unwrap();
    let other = connect(&shop.server.url("other", "postgres")).await;
    let emit = "SELECT pf_emit('t', 't', '/s')";
    let error = other.query(emit, &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    // With the function alone, the table is still closed.
    client
        .batch_execute("GRANT EXECUTE ON FUNCTION pf_emit TO other")
        .await
        .unwrap();
    let error = other.query(emit, &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let message = error.as_db_error().unwrap().message().to_owned();
    assert!(message.contains("pf_outbox"), "{message}");
    for wrong in [
        "pf_emit('', 't', '/s')",
        "pf_emit('t', NULL, '/s')",
        "pf_emit('t', 't', '/s', id => '')",
    ] {
        let error = client
            .query(&format!("SELECT {wrong}"), &[])
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Some(&SqlState::INVALID_PARAMETER_VALUE),
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_named_with_its_grant() {
    let shop = with_roles().await;
    let client = shop.client().await;
    client
        .batch_execute("REVOKE DELETE ON pf_outbox FROM pf_relay; REVOKE UPDATE ON pf_outbox_lease FROM pf_relay;")
        .await
        .unwrap();
    let relay = shop.outbox_of("pf_relay");
    let target = target("memory:").await;
    let refused = start(&relay, &target, options()).fail().await;
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert_eq!(
        refused.message(),
        "the user `pf_relay` may not relay: no DELETE ON pf_outbox, no UPDATE ON pf_outbox_lease"
    );
    let hint = refused.advice().unwrap();
    assert!(hint.contains("GRANT SELECT, DELETE, UPDATE (sent_at, parked_at, attempts, error) ON public.pf_outbox TO pf_relay;"), "{hint}");
}
