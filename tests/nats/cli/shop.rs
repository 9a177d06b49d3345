//! A user with a server.

use test_support::{
    harness::{Pf, Run},
    nats::{Broker, Raw},
};

/// A user whose store is the stream `SHOP` of a server.
pub(crate) struct Shop {
    pub(crate) broker: Broker,
    pub(crate) raw: Raw,
    pub(crate) pf: Pf,
}

impl Shop {
    /// Has no stream yet.
    pub(crate) fn empty() -> Self {
        Self::on(Broker::start())
    }

    pub(crate) fn on(broker: Broker) -> Self {
        Self {
            raw: Raw::new(&broker.url(""), "SHOP"),
            pf: Pf::bare().env("PF_URL", &broker.url("SHOP")),
            broker,
        }
    }

    /// Has a stream as `--create` creates one.
    pub(crate) fn prepared() -> Self {
        let shop = Self::empty();
        shop.raw.make(shop.raw.prepared());
        shop
    }

    /// Has a stream as the Go library makes one.
    pub(crate) fn plain() -> Self {
        let shop = Self::empty();
        shop.raw.make(shop.raw.plain());
        shop
    }

    /// Runs a command and shows what it did, without the port.
    pub(crate) fn show(&self, args: &[&str]) -> String {
        self.hide(&self.pf.run(args))
    }

    /// Shows what a command did, without the port.
    pub(crate) fn hide(&self, run: &Run) -> String {
        let url = self.broker.url("");
        let url = url.trim_end_matches('/');
        let shown = run.to_string().replace(url, "nats://SERVER");
        let port = url.rsplit(':').next().unwrap();
        shown.replace(&format!("127.0.0.1:{port}"), "SERVER")
    }
}
