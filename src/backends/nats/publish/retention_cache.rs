//! The retention of the stream, remembered from one publish to the next, and the warnings about it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            stream::{info, retention::Retention},
        },
        error::error,
    },
    lock::Mutex,
    transport::{ErrorKind, Result},
};

/// How long it is believed that a stream keeps what no consumer covers, ...
const SETTINGS_VALID: Duration = Duration::from_mins(1);
/// ... and what consumers cover in a stream that does not.
const CONSUMERS_VALID: Duration = Duration::from_secs(1);
/// How long no publish asks again after the settings could not be read.
const FAILURE_VALID: Duration = Duration::from_secs(10);
/// How long a question beside a publish may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The most subjects that are named in warnings.
const MAX_WARNINGS: usize = 100;

/// What is known of the retention of the stream that the URL names.
#[derive(Debug)]
pub(crate) struct RetentionCache {
    connection: Arc<Connection>,
    cached: tokio::sync::Mutex<Option<Cached>>,
    warnings: Mutex<Warnings>,
}

#[derive(Debug, Clone)]
struct Cached {
    retention: Arc<Retention>,
    at: Instant,
    /// The number of the connection on which it was read.
    connects: u64,
}

#[derive(Debug, Default)]
struct Warnings {
    subjects: HashSet<String>,
    unreported: Vec<String>,
}

impl RetentionCache {
    /// Starts without knowledge.
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            cached: tokio::sync::Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Returns the retention of the stream. Where it depends on consumers, it was read a moment ago at most.
    pub(crate) async fn current(&self) -> Result<Arc<Retention>> {
        let connection = &*self.connection;
        let mut cached = self.cached.lock().await;
        let mut known = cached.iter().filter(|known| !known.retention.is_unknown());
        if let Some(known) = known.find(|known| self.is_valid(known)) {
            return Ok(Arc::clone(&known.retention));
        }
        let connects = connection.connects();
        let retention = match info::find(connection, &connection.names.stream).await? {
            Some(info) => Retention::of(connection, &info).await?,
            // The publish reports that there is no stream.
            None => return Ok(Arc::default()),
        };
        let retention = Arc::new(retention);
        *cached = Some(Cached {
            retention: Arc::clone(&retention),
            at: Instant::now(),
            connects,
        });
        Ok(retention)
    }

    /// Returns the retention if it is known without asking.
    pub(crate) fn known(&self) -> Option<Arc<Retention>> {
        let cached = self.cached.try_lock().ok()?;
        let known = cached.as_ref().filter(|known| self.is_valid(known))?;
        Some(Arc::clone(&known.retention))
    }

    fn is_valid(&self, cached: &Cached) -> bool {
        let valid = if cached.retention.is_unknown() {
            FAILURE_VALID
        } else if cached.retention.needs_consumer() {
            CONSUMERS_VALID
        } else {
            SETTINGS_VALID
        };
        cached.connects == self.connection.connects() && cached.at.elapsed() < valid
    }

    /// Returns the retention beside a publish, which a server that does not answer must not hold up. A user who may only
    /// publish never learns it, and does not wait for it with each batch.
    pub(crate) async fn beside_publish(&self) -> Arc<Retention> {
        let read = timeout(TIMEOUT, self.current()).await;
        let timed_out = || Err(error(ErrorKind::Unavailable, "the server did not answer"));
        let failed = match read.unwrap_or_else(|_| timed_out()) {
            Ok(retention) => return retention,
            Err(failed) => failed,
        };
        tracing::debug!(%failed, "the retention of the stream is unknown");
        *self.cached.lock().await = Some(Cached {
            retention: Arc::default(),
            at: Instant::now(),
            connects: self.connection.connects(),
        });
        Arc::default()
    }

    /// Warns once of a subject whose messages are dropped because no consumer covers it.
    pub(crate) fn warn_without_consumer(&self, retention: &Retention, subject: &str) {
        let mut warnings = self.warnings.lock();
        if warnings.subjects.contains(subject) {
            return;
        }
        let Some(why) = retention.without_consumer(&self.connection.names, subject) else {
            return;
        };
        match warnings.subjects.len() {
            MAX_WARNINGS => return,
            count if count + 1 == MAX_WARNINGS => {
                let more = "no consumer covers further subjects, which are not named";
                warnings.unreported.push(more.to_owned());
            }
            _ => {
                let advice = why.advice().map(|advice| format!("; {advice}"));
                let advice = advice.unwrap_or_default();
                let more = "`pf publish --require-consumer` refuses it";
                let why = why.message();
                warnings.unreported.push(format!("{why}{advice}, {more}"));
            }
        }
        warnings.subjects.insert(subject.to_owned());
    }

    /// Takes the warnings that were not reported yet.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock().unreported)
    }
}
