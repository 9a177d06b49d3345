//! A bounded consumer beside another member of its group, which holds the rest.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use protoflow::{
    backends::{OpenOptions, Registry},
    runtime::End,
    transport::{SubscribeRequest, Transport},
};

use crate::harness::{Bench, accept, numbered, topic};

async fn open(url: &str) -> Arc<dyn Transport> {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    let registry = Registry::builtin();
    registry.open(&url.parse().unwrap(), options).await.unwrap()
}

async fn the_rest_is_reported(url: &str) {
    let mut bench = Bench::new().await;
    bench.transport = open(url).await;
    for subject in 0..3 {
        bench.publish(numbered(subject)).await;
    }
    let request = SubscribeRequest::new("billing".parse().unwrap(), vec![topic().into()]);
    let other = bench.transport.subscribe(request).await.unwrap();
    let held = other.next(2).await.unwrap();
    assert_eq!(held.len(), 2);

    let before = SystemTime::now();
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.end), (1, Some(End::Reached)));
    let found = summary.held_elsewhere.unwrap();
    assert_eq!(found.count, 2, "{url}");
    let until = found.until.unwrap();
    let lease = Duration::from_secs(30);
    assert!(until > before && until <= SystemTime::now() + lease);
    assert_eq!(bench.log.count("HeldElsewhere"), 1);

    other.close().await.unwrap();
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.held_elsewhere), (2, None), "{url}");
}

#[tokio::test]
async fn the_rest_is_reported_in_memory() {
    the_rest_is_reported("memory:").await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_rest_is_reported_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    the_rest_is_reported(&format!("sqlite:{}", path.display())).await;
}
