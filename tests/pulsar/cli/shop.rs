//! A user with a namespace of a broker.

use test_support::{
    harness::{Pf, Run},
    pulsar::Broker,
};

/// A user whose topics are in a namespace of their own on the broker that all share.
pub(crate) struct Shop {
    pub(crate) pf: Pf,
    pub(crate) namespace: String,
}

impl Shop {
    /// Has no topics yet.
    pub(crate) fn empty() -> Self {
        Self::with("")
    }

    /// The same under a URL with these parameters.
    pub(crate) fn with(parameters: &str) -> Self {
        Self::of_with(&Broker::shared().namespace(), parameters)
    }

    /// Another user of a namespace.
    pub(crate) fn of(namespace: &str) -> Self {
        Self::of_with(namespace, "")
    }

    /// The same under a URL with these parameters.
    pub(crate) fn of_with(namespace: &str, parameters: &str) -> Self {
        let url = Broker::shared().url(&format!("{namespace}{parameters}"));
        Self {
            pf: Pf::bare().env("PF_URL", &url),
            namespace: namespace.to_owned(),
        }
    }

    /// Makes the broker refuse producers without a schema, where a topic has one.
    pub(crate) fn enforce_schemas(&self) {
        let path = format!("namespaces/{}/schemaValidationEnforced", self.namespace);
        Broker::shared().admin().must("POST", &path, "true");
    }

    /// Has a topic `order.created`.
    pub(crate) fn with_orders(parameters: &str) -> Self {
        let shop = Self::with(parameters);
        let path = format!("persistent/{}/order.created", shop.namespace);
        Broker::shared().admin().must("PUT", &path, "");
        shop
    }

    /// Shows a run without what differs from run to run.
    pub(crate) fn show(&self, args: &[&str]) -> String {
        self.hide(&self.pf.run(args))
    }

    pub(crate) fn hide(&self, run: &Run) -> String {
        let address = Broker::shared().address();
        run.to_string()
            .replace(&address, "BROKER")
            .replace(&self.namespace, "NAMESPACE")
    }
}
