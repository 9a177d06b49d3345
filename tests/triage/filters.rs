//! jq filters on the records of letters.

use protoflow::{
    runtime::{Filter, PlanRequest, Query},
    transport::{JobAction, Selection},
};

use crate::fixture::{letter, put, store};

fn query(jq: &str) -> Query {
    Query {
        selection: Selection::default(),
        filter: Some(Filter::compile(jq).unwrap()),
        ..Query::default()
    }
}

#[tokio::test]
async fn filters_see_event_message_and_story() {
    let (transport, triage) = store().await;
    put(
        &transport,
        (0..10).map(|n| letter(n, "billing", if n < 4 { "timeout" } else { "refused" })),
    )
    .await;
    let count = async |jq: &str| {
        let counts = triage.stats(query(jq)).await.unwrap();
        counts.rows.iter().map(|row| row.count).sum::<u64>()
    };
    assert_eq!(count(".event.data.n >= 7").await, 3);
    assert_eq!(
        count(r#".dead_letter.failure.message == "timeout""#).await,
        4
    );
    assert_eq!(
        count(r#".message.topic == "order.created" and .dead_letter.group == "billing""#).await,
        10
    );
    assert_eq!(
        count(r#".dead_letter.dead_since < "1970-01-01T00:00:05Z""#).await,
        5
    );
}

#[tokio::test]
async fn letters_that_a_filter_fails_on_are_left_out_and_told() {
    let (transport, triage) = store().await;
    put(&transport, (0..3).map(|n| letter(n, "billing", "x"))).await;
    let jq = r"if .event.data.n == 1 then .event.id.x else true end";
    let contents = triage
        .preview(PlanRequest::new(JobAction::Purge, query(jq)))
        .await
        .unwrap();
    assert_eq!(contents.dead_letters, 2);
    assert!(
        contents
            .warnings
            .iter()
            .any(|w| w.contains("on which the filter failed")),
        "{:?}",
        contents.warnings
    );
}

#[tokio::test]
async fn a_filter_is_part_of_the_request() {
    let text = |jq| query(jq).text();
    assert_eq!(
        text(".event.id == \"it's\""),
        r#"--where '.event.id == "it'\''s"'"#
    );
    assert_eq!(Query::from(Selection::default()).text(), "--all");
}
