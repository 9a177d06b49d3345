//! A target that refuses a batch without saying which row is to blame.

use std::sync::Arc;

use protoflow::{
    outbox::RowFilter,
    transport::{Outgoing, Transport},
};

use crate::{
    harness::{FileTarget, Verdict, drain, judge, target},
    sqlite::App,
    wrapped::{Fate, Sizes, Wrapped},
};

/// Refuses batches that have the event `a-37`.
fn without_poison(batch: &[Outgoing]) -> Fate {
    let is_poison = |outgoing: &Outgoing| {
        String::from_utf8_lossy(outgoing.message.bytes()).contains("\"a-37\"")
    };
    if batch.iter().any(is_poison) {
        Fate::Refused
    } else {
        Fate::Stored
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smaller_batches_show_which_row_a_batch_was_refused_for() {
    let (app, file) = (App::new().await, FileTarget::new());
    let before = app.insert(0..37, "a");
    let _poison_and_behind = app.insert(37..60, "a");
    let others = app.insert(0..140, "b");
    let sizes = Sizes::default();
    let target: Arc<dyn Transport> = Arc::new(Wrapped {
        inner: target(&file.url()).await,
        judge: without_poison,
        sizes: Arc::clone(&sizes),
    });
    let summary = drain(&app.outbox, &target).await;
    assert_eq!((summary.sent, summary.refused), (37 + 140, 1));
    let published = [before, others].concat();
    assert_eq!(judge(&file.stored(), &published), Verdict::default());
    let refused = app.outbox.list(RowFilter::Refused, 0, 10).await.unwrap();
    assert_eq!((refused.len(), refused[0].id), (1, 38));
    let sizes = sizes.lock().unwrap();
    assert_eq!(sizes[..3], [200, 100, 50]);
    assert!(sizes.contains(&1) && sizes.len() < 30, "{sizes:?}");
}
