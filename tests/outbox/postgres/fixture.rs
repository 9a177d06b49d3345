//! A server with an outbox, and raw clients.

use protoflow::outbox::Outbox;
use test_support::postgres::Postgres;
use tokio_postgres::{Client, NoTls};

use crate::harness::outbox;

/// A server with an outbox in the database `postgres`.
pub(crate) struct Shop {
    pub(crate) server: Postgres,
    pub(crate) outbox: Outbox,
}

impl Shop {
    /// Starts a server and creates the outbox.
    pub(crate) async fn open() -> Self {
        let shop = Self::without_outbox();
        assert!(shop.outbox.create().await.unwrap());
        shop
    }

    /// Starts a server.
    pub(crate) fn without_outbox() -> Self {
        let server = Postgres::start();
        let outbox = outbox(&server.url("test", "postgres"));
        Self { server, outbox }
    }

    /// Connects as the superuser.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.server.url("test", "postgres")).await
    }

    /// Names the outbox as another user.
    pub(crate) fn outbox_of(&self, user: &str) -> Outbox {
        outbox(&self.server.url(user, "postgres"))
    }
}

/// Connects with a client that knows nothing of ours.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Counts rows.
pub(crate) async fn count(client: &Client, from: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {from}");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}
