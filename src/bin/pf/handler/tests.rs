//! Tests of handlers without a store: one delivery, one outcome.

use std::{
    ffi::OsString,
    time::{Duration, Instant, SystemTime},
};

use protoflow::{
    event::{Encoding, Message, Naming, Position, Stored},
    runtime::{Handler as _, Outcome, RefusedAttributes, Run, RunStart},
    transport::{Attempts, Delivery, Ticket},
};
use tokio_util::sync::CancellationToken;

use super::{CommandHandler, Emit, HandlerOptions, Launcher, OnExit, StdinForm};
use crate::output::{ColorChoice, Remarks};

fn options(script: &str) -> HandlerOptions {
    HandlerOptions {
        words: ["sh", "-c", script].map(OsString::from).into(),
        jobs: 1,
        url: "memory:".to_owned(),
        stdin: StdinForm::Event,
        decoder: None,
        on_exit: OnExit::default(),
        emit: None,
        canary: false,
        remarks: Remarks::stderr(true, ColorChoice::Never),
        launcher: Launcher::without_watchdog(),
    }
}

fn delivery(filler: usize) -> Delivery {
    let event = format!(
        r#"{{"specversion":"1.0","id":"a","source":"//t","type":"t","data":"{}"}}"#,
        "x".repeat(filler)
    );
    let stored = Stored {
        message: Message::new("t".parse().unwrap(), event),
        position: Position::new("1"),
        time: SystemTime::now(),
    };
    Delivery::new(stored, Attempts::default(), None, Ticket(1))
}

fn run() -> Run {
    Run {
        system: "memory",
        group: "g".parse().unwrap(),
        action: "g".parse().unwrap(),
        attempt: 1,
        max_attempts: 3,
        naming: Naming::CloudEvents,
        refused: RefusedAttributes::default(),
        replies: std::sync::Arc::default(),
        abort: CancellationToken::new(),
        recalled: CancellationToken::new(),
        start: RunStart::default(),
    }
}

async fn handle(options: HandlerOptions, filler: usize) -> Outcome {
    let handler = CommandHandler::exec(options).unwrap();
    handler.handle(&delivery(filler), &run()).await
}

#[tokio::test]
async fn a_large_event_is_read_whole_or_not_at_all() {
    let script = "test $(wc -c) -gt 1000000";
    assert!(matches!(
        handle(options(script), 1_000_000).await,
        Outcome::Ack(_)
    ));
    assert!(matches!(
        handle(options("exit 0"), 1_000_000).await,
        Outcome::Ack(_)
    ));
}

#[tokio::test]
async fn an_answer_on_stdout_is_collected_while_stdin_is_written() {
    let mut options = options("cat");
    options.emit = Some(Emit {
        limit: 4_000_000,
        encoding: Encoding::default(),
        replies: false,
    });
    match handle(options, 1_000_000).await {
        Outcome::Ack(responses) => assert_eq!(responses.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_grandchild_with_our_pipes_is_not_waited_for() {
    let started = Instant::now();
    let outcome = handle(options("sleep 30 & exit 0"), 0).await;
    assert!(matches!(outcome, Outcome::Ack(_)));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_aborted_run_ends_with_its_group() {
    for mode in [CommandHandler::worker, |options| {
        CommandHandler::exec(options).unwrap()
    }] {
        let handler = mode(options("trap '' TERM; sleep 300 & wait; wait"));
        let run = run();
        let (delivery, started) = (delivery(0), Instant::now());
        let abort = async {
            tokio::task::yield_now().await;
            run.abort.cancel();
        };
        let (outcome, ()) = tokio::join!(handler.handle(&delivery, &run), abort);
        assert!(
            matches!(outcome, Outcome::Retry(None, _) | Outcome::Return),
            "{outcome:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_worker_answers_one_event_after_the_other() {
    let script = r#"while read -r event; do printf '{"id":"a","action":"ack"}\n'; done"#;
    let handler = CommandHandler::worker(options(script));
    for _ in 0..3 {
        let outcome = handler.handle(&delivery(100_000), &run()).await;
        assert!(matches!(outcome, Outcome::Ack(_)), "{outcome:?}");
    }
    let started = Instant::now();
    handler.close().await;
    assert!(started.elapsed() < Duration::from_millis(400));
}

#[tokio::test]
async fn a_worker_that_reads_no_more_has_not_failed_the_next_event() {
    let script = r#"read -r event; exec <&-; printf '{"id":"a","action":"ack"}\n'; sleep 0.1"#;
    for filler in [0, 1_000_000] {
        let handler = CommandHandler::worker(options(script));
        for _ in 0..3 {
            let outcome = handler.handle(&delivery(filler), &run()).await;
            assert!(matches!(outcome, Outcome::Ack(_)), "{outcome:?}");
        }
    }
}
