//! The tasks of a subscription's logs, and how a log is joined.

use std::sync::Arc;

use futures_util::future::try_join_all;
use tokio_util::task::AbortOnDropHandle;

use super::{
    entries::Entries,
    log_task::LogTask,
    logs::{self, LogPlan},
    session::Session,
    state::{Kind, LogState},
    until_end::LogEnd,
};
use crate::{
    backends::pulsar::{
        codec::chunk::Chunks,
        connection::{consumer::Consumer, names::split_partition},
        delay::cancellations,
    },
    lock::Mutex,
    transport::Result,
};

/// The tasks of a subscription's logs.
#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<Vec<AbortOnDropHandle<Result<()>>>>);

impl Tasks {
    /// Takes the tasks out, to wait for their ends.
    pub(super) fn take(&self) -> Vec<AbortOnDropHandle<Result<()>>> {
        std::mem::take(&mut *self.0.lock())
    }

    /// Subscribes to logs, and starts to serve them once all of that succeeded.
    pub(super) async fn add(&self, session: &Arc<Session>, plans: Vec<LogPlan>) -> Result<()> {
        let joining = plans.into_iter().map(|plan| join(session, plan));
        let joined = try_join_all(joining).await?;
        // Who cancels an event notes it, then looks for subscriptions.
        let cancelled = cancellations::read(&session.connection).await?;
        session.state().cancelled.extend(cancelled);
        for (plan, consumer, end) in joined {
            let log = {
                let mut state = session.state();
                state.logs.push(log_state(session, &plan, end));
                state.logs.len() - 1
            };
            let task = LogTask::new(session, log, plan);
            let task = tokio::spawn(task.run(consumer));
            self.0.lock().push(AbortOnDropHandle::new(task));
        }
        Ok(())
    }
}

async fn join(session: &Session, plan: LogPlan) -> Result<(LogPlan, Consumer, Option<LogEnd>)> {
    let connection = &session.connection;
    let consumer = match Consumer::subscribe(connection, &plan.spec).await {
        Ok(consumer) => consumer,
        Err(busy) => return Err(logs::with_holder(connection, &plan, busy).await),
    };
    let end = if session.request.until_end {
        let last = consumer.handle.last_id().await?;
        Some(LogEnd::new(last, plan.kind == Kind::Topic))
    } else {
        None
    };
    Ok((plan, consumer, end))
}

fn log_state(session: &Session, plan: &LogPlan, end: Option<LogEnd>) -> LogState {
    let names = &session.connection.config.names;
    let local = names.local(&plan.spec.log).unwrap_or(&plan.spec.log);
    LogState {
        topic: plan.topic.clone(),
        local: split_partition(local).0.to_owned(),
        partition: plan.partition,
        kind: plan.kind,
        since: plan.since,
        consumer: None,
        entries: Entries::default(),
        chunks: Chunks::default(),
        permitted: 0,
        average: 0,
        waiting: 0,
        acknowledged: 0,
        is_held_back: false,
        is_moving: false,
        end,
    }
}
