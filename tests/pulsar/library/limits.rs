//! What is refused before it is sent, partitions, and delays.

use std::time::{Duration, SystemTime};

use protoflow::transport::{ErrorKind, Outgoing, TailFrom, TailRequest, Verdict};

use super::shop::{Shop, message, publish, request, settle, take, text};

/// A message over the limit is refused at once, and the next one is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_hurts_no_other() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    let large = message("order", &"x".repeat(5 << 20));
    let results = publish(
        &*transport,
        [message("order", "1"), large, message("order", "2")],
    )
    .await;
    let kinds: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .err()
                .map(protoflow::transport::TransportError::kind)
        })
        .collect();
    assert_eq!(kinds, [None, Some(ErrorKind::TooLarge), None]);
    let almost = message("order", "k");
    let almost = protoflow::event::Message {
        payload: Some(vec![b'x'; (5 << 20) - 1000].into()),
        ..almost
    };
    assert!(publish(&*transport, [almost]).await[0].is_ok());
    assert_eq!(shop.raw.read("order").await.len(), 3);
}

/// Messages of a key are in one partition, all partitions are used and read.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_written_and_read_whole() {
    let shop = Shop::new().await;
    let created = shop.create("order", "?partitions=4").await;
    assert_eq!(created, ["created topic order with 4 partitions"]);
    let transport = shop.connect("").await;
    assert_eq!(
        transport.topics().await.unwrap(),
        ["order".parse().unwrap()]
    );
    let keys: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    for _ in 0..2 {
        let results = publish(&*transport, keys.iter().map(|key| message("order", key))).await;
        assert!(results.iter().all(Result::is_ok));
    }
    let mut of_keys = 0;
    for number in 0..4 {
        let texts = shop.raw.read(&format!("order-partition-{number}")).await;
        assert!(!texts.is_empty(), "partition {number} is empty");
        for key in texts {
            let key = String::from_utf8(key).unwrap();
            let java = key.bytes().fold(0i32, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(i32::from(byte))
            });
            assert_eq!((java & i32::MAX) % 4, number, "{key}");
            of_keys += 1;
        }
    }
    assert_eq!(of_keys, 80);
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    for delivery in take(&*member, 80).await {
        settle(&*member, delivery, Verdict::Ack).await;
    }
    member.close().await.unwrap();
    let mut tail = transport
        .tail(TailRequest {
            patterns: vec!["order".parse().unwrap()],
            from: TailFrom::Earliest,
            until_end: true,
        })
        .await
        .unwrap();
    let mut count = 0;
    loop {
        match tail.next(100).await.unwrap().len() {
            0 => break,
            more => count += more,
        }
    }
    assert_eq!(count, 80);
}

/// A delay that consumers would not keep is refused; one that they keep is exact to the millisecond, never early.
#[tokio::test(flavor = "multi_thread")]
async fn delays_are_kept_or_refused() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let due = SystemTime::now() + Duration::from_millis(1500);
    let delayed = || Outgoing {
        due: Some(due),
        ..message("order", "later").into()
    };
    for kind in ["exclusive", "failover"] {
        let transport = shop.connect(&format!("?type={kind}")).await;
        let refused = transport
            .publish(vec![delayed()])
            .await
            .remove(0)
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.advice().unwrap().contains("type=key_shared"));
    }
    let transport = shop.connect("?type=shared").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    let exclusive = shop.connect("?type=exclusive").await;
    let alone = exclusive
        .subscribe(request("alone", "order"))
        .await
        .unwrap();
    assert!(transport.publish(vec![delayed()]).await[0].is_ok());
    for member in [&member, &alone] {
        let taken = take(&**member, 1).await;
        assert!(SystemTime::now() >= due, "it was early");
        assert_eq!(text(&taken[0]), "later");
    }
}
