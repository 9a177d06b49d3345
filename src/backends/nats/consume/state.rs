//! The state of a subscription: its deliveries, retries that wait, and what is to be sent or reported.

use std::{collections::HashMap, time::Duration};

use async_nats::Subject;
use tokio::time::Instant;

use crate::{
    backends::{
        delivery_buffer::{DeliveryBuffer, errors::PendingErrors},
        nats::consume::attempts::FailedRun,
    },
    transport::Delivery,
};

/// What a delivery is settled by.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) ack: AckHandle,
    /// The runs that failed.
    pub(crate) past: Vec<FailedRun>,
    /// When it was fetched.
    pub(crate) since: Instant,
}

/// What the server knows a delivery by.
#[derive(Debug, Clone)]
pub(crate) struct AckHandle {
    pub(crate) reply: Subject,
    pub(crate) sequence: u64,
}

/// The state of a subscription.
#[derive(Debug, Default)]
pub(crate) struct SessionState {
    pub(crate) deliveries: DeliveryBuffer<Handle, Instant>,
    /// Own retries that were not delivered again yet, and when they are due.
    pub(crate) retrying: HashMap<u64, Instant>,
    /// Acknowledgements that the server has not confirmed.
    pub(crate) unconfirmed: Vec<Subject>,
    /// Messages that were delivered after a while in the buffer, for which an in-progress acknowledgement is due.
    pub(crate) stale: Vec<Subject>,
    /// How many messages the caller waits for.
    pub(crate) wanted: usize,
    /// The last sequence of a bounded subscription, and how many messages behind it were returned.
    pub(crate) end: Option<u64>,
    pub(crate) returned: u64,
    pub(crate) closed: bool,
    pub(crate) ended: bool,
    pub(crate) errors: PendingErrors,
}

impl SessionState {
    /// Begins to read up to the end of the stream.
    pub(crate) fn begin_until_end(&mut self, end: u64) {
        (self.end, self.returned) = (Some(end), 0);
    }

    /// Forgets messages whose lease has ended: the server delivers them again.
    pub(crate) fn expire(&mut self) {
        drop(self.deliveries.in_flight_mut().expire(Instant::now()));
    }

    /// Forgets everything, as sequences are other messages now. Returns how many messages were not delivered.
    pub(crate) fn forget_all(&mut self) -> u64 {
        let unread = self.deliveries.buffered() as u64;
        self.deliveries.drain();
        self.retrying.clear();
        self.unconfirmed.clear();
        self.stale.clear();
        unread
    }

    /// Returns the retries that are late: another member has them, or their messages are gone.
    pub(crate) fn late_retries(&self, late: Duration) -> Vec<u64> {
        let now = Instant::now();
        let is_late = |due: &Instant| *due + late <= now;
        let late = self.retrying.iter().filter(|(_, due)| is_late(due));
        late.map(|(sequence, _)| *sequence).collect()
    }

    /// Stops waiting for these retries.
    pub(crate) fn give_up_retries(&mut self, sequences: &[u64]) {
        for sequence in sequences {
            self.retrying.remove(sequence);
        }
    }

    /// Returns how many further messages the caller waits for, at most as many as there is room for.
    pub(crate) fn missing(&self, room: usize) -> usize {
        self.wanted
            .saturating_sub(self.deliveries.buffered())
            .min(room)
    }

    /// Delivers at most this many messages. For those that were buffered for longer than `fresh`, the server has to be
    /// sent an in-progress acknowledgement.
    pub(crate) fn deliver(&mut self, max: usize, until: Instant, fresh: Duration) -> Vec<Delivery> {
        let (now, stale) = (Instant::now(), &mut self.stale);
        self.deliveries.hand_out(max, until, |handle| {
            if now - handle.since > fresh {
                stale.push(handle.ack.reply.clone());
            }
            true
        })
    }
}
