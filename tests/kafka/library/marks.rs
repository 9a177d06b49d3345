//! Marks of what was handled: what several members make of them, and topics that are not what they were.

use std::{sync::Arc, time::Duration};

use protoflow::{
    event::{HandlingKey, Position},
    transport::{
        Beginning, Dedup, Delivery, Handling, Mark, Marks, SubscribeRequest, Subscription, Verdict,
    },
};

use super::shop::{Shop, retry, settle, take};

fn request(shop: &Shop, dedup: Dedup) -> SubscribeRequest {
    SubscribeRequest {
        dedup: Some(dedup),
        ..shop.request("billing", "order")
    }
}

fn once() -> Dedup {
    Dedup::at_most_once(Dedup::WINDOW)
}

fn marks(member: &Arc<dyn Subscription>) -> &dyn Marks {
    member.marks().unwrap()
}

fn key(number: u8) -> HandlingKey {
    HandlingKey::from([number; 16])
}

/// Returns a handling of the message at a position.
fn handling(shop: &Shop, number: u8, position: Position) -> Handling {
    Handling {
        key: key(number),
        beginning: Beginning {
            group: shop.group("billing").parse().unwrap(),
            position,
        },
        replay_of: None,
    }
}

async fn look_up(member: &Arc<dyn Subscription>, handling: &Handling) -> Option<Mark> {
    let found = marks(member).look_up(std::slice::from_ref(handling)).await;
    found.unwrap().remove(0)
}

async fn one(member: &Arc<dyn Subscription>) -> Delivery {
    member.next(1).await.unwrap().remove(0)
}

/// Two members may hold one delivery for a moment: one that was cut off, and the one after it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_beginnings_one_comes_first() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    let one = shop.join_as(request(&shop, once())).await;
    let other = shop.join_as(request(&shop, once())).await;
    let texts: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    shop.publish("order", &texts).await;
    let held = [take(&*one, 1).await, take(&*other, 1).await];
    for number in 0..20 {
        let handling = handling(&shop, number, Position::new("order/0/0"));
        let begun = Some(Mark::Begun(handling.beginning.clone()));
        let (first, second) =
            tokio::join!(marks(&one).begin(&handling), marks(&other).begin(&handling));
        let mut found = [first.unwrap(), second.unwrap()];
        found.sort_by_key(Option::is_some);
        assert_eq!(found, [None, begun], "{number}");
    }
    drop(held);
    one.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_member_marks_every_other_knows() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    let one = shop.join_as(request(&shop, Dedup::default())).await;
    let other = shop.join_as(request(&shop, Dedup::default())).await;
    let texts: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    shop.publish("order", &texts).await;
    // Which of them has which partition does not matter.
    let mut known = 0;
    while known < 20 {
        let (member, neighbour, taken) = tokio::select! {
            taken = one.next(1) => (&one, &other, taken),
            taken = other.next(1) => (&other, &one, taken),
        };
        for mut delivery in taken.unwrap() {
            let handling = handling(&shop, known, delivery.stored.position.clone());
            assert_eq!(look_up(neighbour, &handling).await, None);
            delivery.set_mark(Some(key(known)));
            settle(&**member, delivery, Verdict::Ack).await;
            assert_eq!(look_up(neighbour, &handling).await, Some(Mark::Done));
            known += 1;
        }
    }
    one.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_nobody_will_settle_is_unknown() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    shop.publish("order", &["a"]).await;
    let member = shop.join_as(request(&shop, once())).await;
    let delivery = one(&member).await;
    let handling_of_it = handling(&shop, 1, delivery.stored.position.clone());
    assert_eq!(marks(&member).begin(&handling_of_it).await.unwrap(), None);
    member.close().await.unwrap();
    drop(delivery);

    let copy = handling(&shop, 1, Position::new("order/0/700"));
    let begun = Some(Mark::Begun(handling_of_it.beginning.clone()));
    let member = shop.join_as(request(&shop, once())).await;
    let again = one(&member).await;
    assert_eq!(look_up(&member, &copy).await, begun, "it is not settled");
    member.close().await.unwrap();
    drop(again);

    assert_eq!(
        shop.drain("billing", "order").await.len(),
        1,
        "by one without marks"
    );
    shop.publish("order", &["b"]).await;
    let member = shop.join_as(request(&shop, once())).await;
    let later = one(&member).await;
    assert_eq!(look_up(&member, &copy).await, Some(Mark::Unknown));
    assert_eq!(look_up(&member, &handling_of_it).await, begun, "to itself");
    settle(&*member, later, Verdict::Ack).await;
    member.close().await.unwrap();
}

/// The run of a retry that was killed: its offset has long been passed.
#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_waits_as_a_retry_still_counts() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    shop.publish("order", &["a"]).await;
    let member = shop.join_as(request(&shop, once())).await;
    let delivery = one(&member).await;
    let handling_of_it = handling(&shop, 1, delivery.stored.position.clone());
    assert_eq!(marks(&member).begin(&handling_of_it).await.unwrap(), None);
    // Without its mark, as if a later run of it had begun.
    settle(&*member, delivery, retry(Duration::from_hours(1))).await;
    let copy = handling(&shop, 1, Position::new("order/0/700"));
    let begun = Some(Mark::Begun(handling_of_it.beginning.clone()));
    assert_eq!(look_up(&member, &copy).await, begun);
    member.close().await.unwrap();
}

/// The same position is another event there, and so may be an id that is made of it.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_recreated_topic_nothing_is_marked() {
    let shop = Shop::new("").await;
    shop.create("order").await;
    shop.publish("order", &["a"]).await;
    let member = shop.join_as(request(&shop, Dedup::default())).await;
    let mut delivery = one(&member).await;
    let handling = handling(&shop, 1, delivery.stored.position.clone());
    delivery.set_mark(Some(key(1)));
    settle(&*member, delivery, Verdict::Ack).await;
    assert_eq!(look_up(&member, &handling).await, Some(Mark::Done));
    member.close().await.unwrap();

    let name = shop.name("order");
    shop.aside(|raw| {
        raw.remove(&name);
        raw.make(&name, 1, &[]);
    });
    shop.publish("order", &["b"]).await;
    let member = shop.join_as(request(&shop, Dedup::default())).await;
    let delivery = loop {
        match member.next(1).await {
            Ok(taken) => break taken.into_iter().next().unwrap(),
            Err(gap) => assert!(gap.to_string().contains("created again"), "{gap}"),
        }
    };
    assert_eq!(delivery.stored.position, handling.beginning.position);
    assert_eq!(look_up(&member, &handling).await, None);
    settle(&*member, delivery, Verdict::Ack).await;
    member.close().await.unwrap();
}
