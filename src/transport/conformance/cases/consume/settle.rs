//! A delivery is settled once; unsettled deliveries are redelivered.

use std::time::Duration;

use crate::transport::conformance::harness::{
    Harness, dead_letters,
    member::{Member, burial, failure},
    message::{messages, text, texts},
};
use crate::transport::{DeadLetterKind, ErrorKind, SubscribeRequest, Verdict};

/// An acknowledged message is never redelivered, even if the consumer crashes once the acknowledgement is durable, which
/// it is before the lease expires.
pub(crate) async fn an_ack_is_final(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2", "3"])).await;
    let member = harness.join_briefly("g", &topic).await;
    for delivery in member.take(2).await {
        member.ack(delivery).await;
    }
    tokio::time::sleep(harness.lease() * 5 / 4).await;
    drop(member);
    assert_eq!(harness.drain("g", &topic).await, ["3"]);
}

/// A batch of verdicts has one result each, in its order.
pub(crate) async fn one_result_per_settlement_in_order(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness
        .publish(messages(&topic, &["1", "2", "3", "4"]))
        .await;
    let member = harness.join("g", &topic).await;
    let taken = member.take(4).await;
    let retry = Verdict::Retry {
        after: Duration::ZERO,
        failure: Box::new(failure("boom")),
    };
    let verdicts = [
        Verdict::Ack,
        burial(DeadLetterKind::Permanent),
        retry,
        Verdict::Return,
    ];
    let batch = taken.into_iter().zip(verdicts);
    let batch: Vec<_> = batch
        .map(|(delivery, verdict)| delivery.conclude(verdict))
        .collect();
    let results = member.subscription().settle(batch).await;
    assert_eq!(results.len(), 4);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let mut again = texts(&member.take(2).await);
    again.sort();
    assert_eq!(again, ["3", "4"]);
    assert_eq!(dead_letters::read(harness, "g").await.len(), 1);
}

/// Deliveries in flight when a consumer crashes are redelivered.
pub(crate) async fn unsettled_comes_again(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let again = harness.again().await;
    let member = harness.join_briefly("g", &topic).await;
    let held = member.take(2).await;
    drop(member);
    drop(held);
    let member = Member::join(&*again, harness.request("g", &topic)).await;
    let mut taken = texts(&member.take(2).await);
    taken.sort();
    assert_eq!(taken, ["1", "2"]);
}

/// A consumer that leaves the group returns its deliveries at once.
pub(crate) async fn closing_gives_back(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let member = harness.join("g", &topic).await;
    let held = member.take(2).await;
    member.close().await;
    drop(held);
    assert_eq!(harness.drain("g", &topic).await, ["1", "2"]);
}

/// A verdict on a delivery whose lease is lost is an error, and changes nothing.
pub(crate) async fn a_lost_lease_settles_nothing(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let slow = harness.join_briefly("g", &topic).await;
    let lost = slow.one().await;
    let again = harness.again().await;
    let member = Member::join(&*again, harness.request("g", &topic)).await;
    let taken = member.one().await;
    let settled = slow
        .try_settle(lost, burial(DeadLetterKind::Permanent))
        .await;
    let error = settled.expect_err("the lease was lost");
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert_eq!(
        dead_letters::read(harness, "g").await,
        [],
        "nothing was done"
    );
    member.retry(taken, Duration::ZERO).await;
    assert_eq!(member.one().await.attempts.failed, 1);
}

/// Extending the lease keeps a delivery that is handled for longer.
pub(crate) async fn an_extended_lease_is_kept(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join_briefly("g", &topic).await;
    let held = member.one().await;
    let other = harness.join("g", &topic).await;
    let lease = harness.lease();
    let work = async {
        for _ in 0..12 {
            tokio::time::sleep(lease / 4).await;
            let extended = member.subscription().extend(&[held.ticket()]).await;
            extended.expect("a lease can be extended");
        }
    };
    tokio::select! {
        taken = other.next(1) => panic!("{:?} was given to another", texts(&taken)),
        () = work => {}
    }
    member.ack(held).await;
    let request = SubscribeRequest {
        until_end: true,
        ..harness.request("g", &topic)
    };
    let rest = harness.join_as(request).await;
    assert_eq!(rest.drain().await, [""; 0], "it was settled");
    assert_eq!(text(&harness.read(&topic).await[0].message), "1");
}
