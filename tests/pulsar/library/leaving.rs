//! Members that leave while the connection to the broker is away.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protoflow::transport::{ErrorKind, Subscription, Verdict};
use serde_json::Value;
use test_support::{Urls, process::free_ports, proxy::Proxy, pulsar::Broker, wait::until};

use super::{
    connect::Connect as _,
    shop::{message, publish, request, settle, take},
};

/// A broker whose clients all come through a proxy.
struct Away {
    broker: Broker,
    proxy: Proxy,
    rest: String,
}

impl Away {
    fn new() -> Self {
        let [port, _] = free_ports();
        let proxy = Proxy::to(&format!("127.0.0.1:{port}"));
        let listener = format!("advertisedListeners=one:pulsar://{}", proxy.address());
        let port = format!("brokerServicePort={port}");
        let settings = [port.as_str(), &listener, "internalListenerName=one"];
        let broker = Broker::start_with(&settings, None);
        let rest = broker.namespace();
        let path = format!("persistent/{rest}/order");
        broker.admin().must("PUT", &path, "");
        Self {
            broker,
            proxy,
            rest,
        }
    }

    /// Joins a group that has settled ten events, of which not all are acknowledged.
    async fn member(&self) -> Arc<dyn Subscription> {
        let transport = self.connect(&self.rest, true).await.unwrap();
        publish(
            &*transport,
            (0..10).map(|n| message("order", &n.to_string())),
        )
        .await;
        let member = transport.subscribe(request("g", "order")).await.unwrap();
        let mut taken = take(&*member, 10).await;
        settle(&*member, taken.remove(0), Verdict::Ack).await;
        until("the first is acknowledged", || self.backlog() == 9);
        for delivery in taken {
            settle(&*member, delivery, Verdict::Ack).await;
        }
        self.proxy.cut();
        member
    }

    fn backlog(&self) -> u64 {
        let path = format!(
            "persistent/{}/order/stats?getPreciseBacklog=true",
            self.rest
        );
        let stats: Value =
            serde_json::from_str(&self.broker.admin().must("GET", &path, "")).unwrap();
        stats["subscriptions"]["g"]["msgBacklog"].as_u64().unwrap()
    }
}

impl Urls for Away {
    fn url(&self, rest: &str) -> String {
        let url = self.broker.url(rest);
        url.replacen(&self.broker.address(), self.proxy.address(), 1)
    }
}

/// What is settled is acknowledged before a member has left, also if the connection is lost just before.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_leaves_connects_again_to_acknowledge() {
    let away = Away::new();
    let member = away.member().await;
    assert_ne!(away.backlog(), 0);
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        away.proxy.join();
    };
    let (left, ()) = tokio::join!(member.close(), leaving);
    left.unwrap();
    assert_eq!(away.backlog(), 0);
}

/// If the broker stays away, the caller learns that events may be delivered again.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_cannot_acknowledge_says_so() {
    let away = Away::new();
    let member = away.member().await;
    let begun = Instant::now();
    let failed = member.close().await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert!(failed.message().contains("delivered again"), "{failed}");
}
