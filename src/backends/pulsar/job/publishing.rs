//! Publishing the messages of a step, and what is known of each afterwards.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::targets::Addressed;
use crate::{
    backends::pulsar::{
        connection::{
            handle::Connection,
            producer::Producer,
            producer_task::{Opened, ProducerSpec},
        },
        dead_letter::journal::Progress,
    },
    transport::{ErrorKind, JobId, Resolution, Result, TransportError},
};

/// Brokers forget a producer that has been away for 6 hours, by default; this is well below.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The producers of a job, one for each log that its messages go to.
#[derive(Debug)]
pub(super) struct Producers {
    connection: Arc<Connection>,
    job: JobId,
    open: HashMap<String, (Producer, Opened)>,
}

/// The outcome of a message.
#[derive(Debug)]
pub(super) enum Published {
    Known(Resolution),
    /// It will be known when the message is sent again.
    Open(TransportError),
}

impl Producers {
    pub(super) fn new(connection: &Arc<Connection>, job: &JobId) -> Self {
        Self {
            connection: Arc::clone(connection),
            job: job.clone(),
            open: HashMap::new(),
        }
    }

    /// Connects the producer of a log.
    async fn connect(&mut self, addressed: &Addressed) -> Result<Opened> {
        let Addressed { log, is_exact, .. } = addressed;
        if let Some((_, opened)) = self.open.get(log) {
            return Ok(*opened);
        }
        let spec = ProducerSpec {
            name: is_exact.then(|| format!("pf-replay-{}", self.job)),
            exclusive: None,
            sends_once: !is_exact,
            keeper: addressed.keeper.clone(),
        };
        let (producer, opened) = Producer::open(&self.connection, log.clone(), spec).await?;
        self.open.insert(log.clone(), (producer, opened));
        Ok(opened)
    }

    /// Reports whether a message that may have been published is recognised if it is sent again.
    pub(super) async fn is_recognised(
        &mut self,
        progress: &Progress,
        addressed: &Addressed,
    ) -> Result<bool> {
        let log = &addressed.log;
        if !addressed.is_exact || !progress.exact.contains(log) {
            return Ok(false);
        }
        if self.connect(addressed).await?.last_sequence.is_some() {
            return Ok(true);
        }
        // Nothing was stored under this name, or the broker forgot it.
        let age = SystemTime::now().duration_since(progress.time);
        let is_recent = age.unwrap_or_default() < REMEMBERED;
        Ok(is_recent && !progress.confirmed.contains_key(log))
    }

    /// Publishes messages, each with its number in the job, and waits for the results: one each, in order.
    pub(super) async fn publish(
        &mut self,
        messages: Vec<(u64, Addressed)>,
    ) -> Result<Vec<Published>> {
        for (_, addressed) in &messages {
            self.connect(addressed).await?;
        }
        let mut sendings = Vec::with_capacity(messages.len());
        for (number, addressed) in messages {
            let Addressed {
                log,
                is_exact,
                outbound,
                ..
            } = addressed;
            let producer = self.open.get(&log).map(|(producer, _)| producer);
            let sending = producer.map(|producer| producer.send_numbered(outbound, number));
            sendings.push((is_exact, sending));
        }
        let mut results = Vec::with_capacity(sendings.len());
        for (is_exact, sending) in sendings {
            let sent = match sending {
                Some(sending) => sending.await.map(drop),
                None => Err(TransportError::unanswered(
                    crate::backends::pulsar::error::SCHEME,
                )),
            };
            results.push(published(sent, is_exact));
        }
        Ok(results)
    }

    /// Closes them, so that another process can continue under their names.
    pub(super) async fn close(self) {
        for (producer, _) in self.open.into_values() {
            producer.close().await;
        }
    }
}

fn published(sent: Result<()>, is_exact: bool) -> Published {
    let Err(failed) = sent else {
        return Published::Known(Resolution::Done);
    };
    let is_open = matches!(
        failed.kind(),
        ErrorKind::Ambiguous | ErrorKind::Unavailable | ErrorKind::Held
    );
    if is_exact && is_open {
        return Published::Open(failed);
    }
    let reason = failed.to_string();
    Published::Known(match failed.kind() {
        ErrorKind::Ambiguous => Resolution::Ambiguous { reason },
        _ => Resolution::Failed { reason },
    })
}

/// Notes the last message of each log that is confirmed.
pub(super) fn note_confirmed(confirmed: &mut BTreeMap<String, u64>, log: &str, number: u64) {
    let last = confirmed.entry(log.to_owned()).or_insert(number);
    *last = number.max(*last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::pulsar::error::error;

    #[test]
    fn an_unknown_outcome_is_open_only_where_duplicates_are_recognised() {
        let sent = |kind, is_exact| published(Err(error(kind, "x")), is_exact);
        let lost = sent(ErrorKind::Ambiguous, false);
        assert!(matches!(
            lost,
            Published::Known(Resolution::Ambiguous { .. })
        ));
        let again = sent(ErrorKind::Ambiguous, true);
        assert!(matches!(again, Published::Open(_)));
        let refused = sent(ErrorKind::TooLarge, true);
        assert!(matches!(
            refused,
            Published::Known(Resolution::Failed { .. })
        ));
    }
}
