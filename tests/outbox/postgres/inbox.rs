//! The inbox: a handler with the printed rights makes an effect once, also beside another one.

use std::time::Duration;

use protoflow::{
    event::HandlingKey,
    outbox::{Inbox, postgres::enter},
    transport::ErrorKind,
};
use tokio_postgres::error::SqlState;

use super::fixture::{Shop, connect};

fn key(id: &str) -> HandlingKey {
    HandlingKey::new(&"billing".parse().unwrap(), "/shop", id)
}

fn inbox(shop: &Shop) -> Inbox {
    let url = shop.server.url("test", "postgres").parse().unwrap();
    Inbox::new(&url).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_enters_a_key_once_with_the_printed_rights() {
    let shop = Shop::without_outbox();
    let (client, inbox) = (shop.client().await, inbox(&shop));
    let missing = inbox.clean(Duration::ZERO).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    client
        .batch_execute("REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE ROLE pf_handler LOGIN;")
        .await
        .unwrap();
    client.batch_execute(&inbox.ddl()).await.unwrap();
    assert!(!inbox.create().await.unwrap(), "the printed SQL made it");
    let url = shop.server.url("pf_handler", "postgres");
    let (mut first, mut second) = (connect(&url).await, connect(&url).await);
    let transaction = first.transaction().await.unwrap();
    assert!(enter(&transaction, &key("1")).await.unwrap());
    // The other run waits for the first, and finds that its effect is made.
    let waiting = async {
        let transaction = second.transaction().await.unwrap();
        let is_new = enter(&transaction, &key("1")).await.unwrap();
        transaction.commit().await.unwrap();
        is_new
    };
    let (is_new, ()) = tokio::join!(waiting, async { transaction.commit().await.unwrap() });
    assert!(!is_new);
    let transaction = second.transaction().await.unwrap();
    assert!(enter(&transaction, &key("2")).await.unwrap());
    transaction.rollback().await.unwrap();
    let transaction = second.transaction().await.unwrap();
    assert!(enter(&transaction, &key("2")).await.unwrap(), "rolled back");
    transaction.commit().await.unwrap();
    let refused = first.execute("DELETE FROM pf_inbox", &[]).await;
    let code = refused.unwrap_err().code().cloned();
    assert_eq!(code, Some(SqlState::INSUFFICIENT_PRIVILEGE));
    assert_eq!(inbox.clean(Duration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(inbox.clean(Duration::ZERO).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_another_shape_is_refused() {
    let shop = Shop::without_outbox();
    let client = shop.client().await;
    client
        .batch_execute("CREATE TABLE pf_inbox(key text)")
        .await
        .unwrap();
    let refused = inbox(&shop).create().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(refused.message().contains("no column `at`"), "{refused}");
}
