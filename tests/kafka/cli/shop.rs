//! A user with a part of a broker.

use std::sync::atomic::{AtomicUsize, Ordering};

use test_support::{
    harness::{Pf, Run},
    kafka::{Broker, Raw},
};

/// Takes out what depends on the prefix, of which the name of the group is a part.
fn without_hashes(text: &str) -> String {
    let mut parts: Vec<String> = text.split(".delay").map(str::to_owned).collect();
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        let hash = part.rsplit('.').next().unwrap_or_default();
        if hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            part.truncate(part.len() - 8);
            part.push_str("HASH");
        }
    }
    parts.join(".delay")
}

/// A user whose topics have a prefix of their own on the broker that all share.
pub(crate) struct Shop {
    pub(crate) raw: Raw,
    pub(crate) pf: Pf,
    address: String,
    prefix: String,
}

impl Shop {
    /// Has no topics yet.
    pub(crate) fn empty() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (address, prefix) = (Broker::shared().address(), format!("shop{number}."));
        let url = format!("kafka://{address}/?prefix={prefix}&partitions=1");
        Self {
            raw: Raw::new(&*address),
            pf: Pf::bare().env("PF_URL", &url),
            address,
            prefix,
        }
    }

    /// Has a topic `order.created`.
    pub(crate) fn with_orders() -> Self {
        let shop = Self::empty();
        shop.make("order.created", 1, &[]);
        shop
    }

    /// Returns where the broker listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns Kafka's name of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Returns a URL of the same topics with further parameters.
    pub(crate) fn url(&self, parameters: &str) -> String {
        let (address, prefix) = (&self.address, &self.prefix);
        format!("kafka://{address}/?prefix={prefix}&{parameters}")
    }

    /// Makes a topic.
    pub(crate) fn make(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        self.raw.make(&self.name(topic), partitions, settings);
    }

    /// Runs a command and shows what it did, without address and prefix.
    pub(crate) fn show(&self, args: &[&str]) -> String {
        self.hide(&self.pf.run(args))
    }

    /// Shows what a command did, without address and prefix.
    pub(crate) fn hide(&self, run: &Run) -> String {
        let shown = run.to_string().replace(&self.address, "SERVER");
        without_hashes(&shown.replace(&self.prefix, ""))
    }
}
