//! Members of a subscription that only one of them may hold, and types that do not fit.

use std::time::{Duration, Instant};

use protoflow::transport::{ErrorKind, Verdict};
use pulsar::SubType;
use test_support::wait::until;

use super::shop::{Shop, message, publish, request, settle, take, text};

/// A second member is refused within a second, by the name of the first; another client may be the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_exclusive_member_is_told_who_holds_it() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let holder = shop.raw.hold("order", "g", SubType::Exclusive).await;
    let transport = shop.connect("?type=exclusive").await;
    let begun = Instant::now();
    let refused = transport
        .subscribe(request("g", "order"))
        .await
        .unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(refused.kind(), ErrorKind::Held);
    assert!(refused.message().contains("the-holder"), "{refused}");
    assert!(refused.advice().unwrap().contains("type=key_shared"));
    drop(holder);
    until("it is free", || {
        let joining = transport.subscribe(request("g", "order"));
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(joining).is_ok())
    });
}

/// A subscription that is in use with another type is another problem, with another hint.
#[tokio::test(flavor = "multi_thread")]
async fn another_type_has_its_own_hint() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let _holder = shop.raw.hold("order", "g", SubType::Shared).await;
    let transport = shop.connect("?type=failover").await;
    let refused = transport
        .subscribe(request("g", "order"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(refused.message().contains("Shared"), "{refused}");
    assert!(refused.advice().unwrap().contains("type=shared"));
    let transport = shop.connect("?type=shared").await;
    transport.subscribe(request("g", "order")).await.unwrap();
}

/// A failover member takes over when the active one leaves, and goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_member_takes_over() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("?type=failover").await;
    let first = transport.subscribe(request("g", "order")).await.unwrap();
    let other = shop.connect("?type=failover").await;
    let second = other.subscribe(request("g", "order")).await.unwrap();
    publish(&*transport, [message("order", "1")]).await;
    let (active, standby, delivery) = tokio::select! {
        taken = take(&*first, 1) => (&first, &second, taken),
        taken = take(&*second, 1) => (&second, &first, taken),
    };
    for delivery in delivery {
        settle(&**active, delivery, Verdict::Ack).await;
    }
    active.close().await.unwrap();
    publish(&*transport, [message("order", "2")]).await;
    let taken = take(&**standby, 1).await;
    assert_eq!(text(&taken[0]), "2");
}
