//! A bounded subscription beside another member, which has the other partition, or both for now.

use protoflow::transport::{SubscribeRequest, Verdict};

use super::shop::{Shop, settle};

#[tokio::test(flavor = "multi_thread")]
async fn the_partition_of_another_member_is_reported() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    let texts: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    shop.publish("order", &texts).await;

    // It takes nothing out of what it has.
    let other = shop.join("billing", "order").await;
    let request = SubscribeRequest {
        until_end: true,
        ..shop.request("billing", "order")
    };
    let member = shop.join_as(request).await;
    let mut handled = 0;
    loop {
        let some = member.next(100).await.unwrap();
        if some.is_empty() {
            break;
        }
        for delivery in some {
            handled += 1;
            settle(&*member, delivery, Verdict::Ack).await;
        }
    }
    let held = member.held_elsewhere().await.unwrap().unwrap();
    // Whether a partition moved to this member in time or not: the rest is reported.
    assert!(held.count > 0, "{handled} {held:?}");
    assert_eq!((handled + held.count, held.until), (40, None));
    member.close().await.unwrap();
    other.close().await.unwrap();

    let request = SubscribeRequest {
        until_end: true,
        ..shop.request("billing", "order")
    };
    assert_eq!(
        shop.drain("billing", "order").await.len() as u64,
        held.count
    );
    let last = shop.join_as(request).await;
    assert_eq!(last.next(100).await.unwrap().len(), 0);
    assert_eq!(last.held_elsewhere().await.unwrap(), None);
    last.close().await.unwrap();
}
