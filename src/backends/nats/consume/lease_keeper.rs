//! Keeping leases: in-progress acknowledgements for messages that are buffered or in flight.

use async_nats::Subject;
use tokio::time::Instant;

use crate::{
    backends::nats::{connection::ack::IN_PROGRESS, consume::session::Session, error::error},
    transport::{ErrorKind, Result},
};

/// Sends in-progress acknowledgements three times per ack wait.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    /// When to send them.
    pub(crate) next: Instant,
    started: Instant,
    reported_denial: bool,
}

impl LeaseKeeper {
    /// Starts now.
    pub(crate) fn new(session: &Session) -> Self {
        let now = Instant::now();
        Self {
            next: now + session.ack_wait / 3,
            started: now,
            reported_denial: false,
        }
    }

    /// Sends in-progress acknowledgements for buffered messages, and for those in flight if the ack wait of the consumer
    /// is shorter than the lease.
    pub(crate) async fn keep(&mut self, session: &Session) -> Result<()> {
        self.next = Instant::now() + session.ack_wait / 3;
        let replies: Vec<Subject> = {
            let mut state = session.state();
            state.expire();
            let buffered = state.deliveries.handles();
            let is_short = session.ack_wait < session.lease;
            let in_flight = state.deliveries.in_flight().iter().filter(|_| is_short);
            buffered
                .chain(in_flight.map(|leased| &leased.handle))
                .map(|handle| handle.ack.reply.clone())
                .collect()
        };
        session.send_acks(replies, &IN_PROGRESS).await?;
        self.report_denial(session);
        Ok(())
    }

    /// Reports once that records of failed runs may not be deleted: nothing waits for the answers to their deletes.
    fn report_denial(&mut self, session: &Session) {
        let connection = &session.connection;
        let purge =
            connection.api_subject(&format!("STREAM.PURGE.{}", connection.names.state_stream()));
        if let Some(denied) = connection.denials.of(&purge, self.started)
            && !std::mem::replace(&mut self.reported_denial, true)
        {
            let message = format!("records of failed runs stay until they expire ({denied})");
            session.report([error(ErrorKind::Warning, message)]);
        }
    }
}
