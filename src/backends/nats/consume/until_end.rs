//! Where a bounded membership ends: with what was there at its start and the retries of what it took.

use std::time::Duration;

use tokio::time::Instant;

use crate::backends::nats::{
    connection::stream::info::Facts,
    consume::{consumer::durable::Durable, state::Desk},
};

/// How late a retry may come before it is thought to be with somebody else.
pub(crate) const LATE: Duration = Duration::from_secs(2);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// How far a bounded membership is.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// The last message that was there.
    pub(crate) end: u64,
    /// The server that leads the consumer may be behind the one that leads the stream.
    pub(crate) is_replicated: bool,
    /// Messages that were not delivered to anybody, and those that may come again.
    fresh: u64,
    again: u64,
    /// The last message that came for the first time, and how many came that were not expected.
    reached: u64,
    surplus: u64,
    /// The pause before the next look, while nothing comes that is there.
    pause: Duration,
    /// Messages of the request under way that we were to have.
    useful: u64,
    look_at: Instant,
    /// Until then what was on its way when the connection was lost may come again.
    doubt: Option<Instant>,
}

impl Bounds {
    /// Begins with what the consumer had to do, and what the stream held after that.
    pub(crate) fn new(durable: &Durable, facts: &Facts) -> Self {
        Self {
            end: facts.state.last_seq,
            is_replicated: facts.is_replicated(),
            reached: 0,
            surplus: 0,
            fresh: durable.num_pending,
            again: durable.num_ack_pending,
            pause: PAUSE,
            useful: 0,
            look_at: Instant::now(),
            doubt: None,
        }
    }

    /// Takes note that the connection was lost: the server waits so long for an answer to what it had sent.
    pub(crate) fn lose(&mut self, ack_wait: Duration) {
        self.doubt = Some(Instant::now() + ack_wait + LATE);
    }

    /// Reports whether what was on its way may come again.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some_and(|until| Instant::now() < until)
    }

    /// Takes note that the server waits for no answer.
    pub(crate) fn trust(&mut self) {
        self.doubt = None;
    }

    /// Reports whether a message was there at the start; if not, it has to go back.
    pub(crate) fn admits(&mut self, number: u64, delivered: u64) -> bool {
        let inside = number <= self.end;
        if inside {
            self.useful += 1;
            self.pause = PAUSE;
            if delivered == 1 {
                self.reached = self.reached.max(number);
                match self.fresh.checked_sub(1) {
                    Some(left) => self.fresh = left,
                    None => self.surplus += 1,
                }
            }
        }
        inside
    }

    /// Returns when to look again, if there is anything to look for.
    pub(crate) fn next_look(&self, desk: &Desk) -> Option<Instant> {
        let idle = desk.waiting.is_empty() && desk.demand > 0 && !desk.ended;
        idle.then_some(self.look_at)
    }

    /// Returns how many messages to ask for.
    pub(crate) fn batch(&self, desk: &Desk, room: usize) -> usize {
        let expected = match self.fresh {
            0 => self.again + desk.retrying.len() as u64,
            fresh => fresh,
        };
        let expected = usize::try_from(expected.max(1)).unwrap_or(usize::MAX);
        expected.min(desk.demand).min(room)
    }

    /// Returns how many messages to ask for while others are on their way, of those that nobody has had.
    pub(crate) fn ahead(&self, desk: &Desk, room: usize, outstanding: usize) -> usize {
        let wanted = desk.demand.saturating_sub(desk.waiting.len()).min(room);
        if outstanding == 0 || outstanding >= wanted / 2 {
            return 0;
        }
        let fresh = usize::try_from(self.fresh).unwrap_or(usize::MAX);
        (wanted - outstanding).min(fresh.saturating_sub(outstanding))
    }

    /// Takes note of a settlement: what was waited for may be there now.
    pub(crate) fn stir(&mut self) {
        self.look_at = self.look_at.min(Instant::now());
    }

    /// Takes note that a request was refused.
    pub(crate) fn wait(&mut self, pause: Duration) {
        self.look_at = Instant::now() + pause;
    }

    /// Takes note that a request ended; reports whether it may have been the last one, as it brought nothing while
    /// nothing is out.
    pub(crate) fn conclude(&mut self, desk: &mut Desk) -> bool {
        let now = Instant::now();
        self.look_at = now;
        if std::mem::take(&mut self.useful) > 0 {
            self.expect_more();
            return false;
        }
        self.fresh = 0;
        desk.expire();
        if !desk.waiting.is_empty() {
            return false;
        }
        match desk.retrying.values().min() {
            Some(due) => self.look_at = (*due).max(now + PAUSE),
            None if desk.held.is_empty() => return true,
            None => self.look_at = now + PAUSE,
        }
        false
    }

    /// Expects more and more while more comes than the consumer knew of: its server was behind, and catches up.
    fn expect_more(&mut self) {
        let surplus = 2 * std::mem::take(&mut self.surplus);
        let most = self.end.saturating_sub(self.reached);
        self.fresh = self.fresh.max(surplus.min(most));
    }

    /// Reports whether nothing more comes for this membership; if something is left, it is looked again, less and less
    /// often.
    pub(crate) fn is_over(&mut self, durable: &Durable, is_left: bool) -> bool {
        if !is_left && !self.is_in_doubt() {
            return true;
        }
        self.fresh = if is_left { durable.num_pending } else { 0 };
        self.pause = (2 * self.pause).min(LONG_PAUSE);
        self.look_at = Instant::now() + self.pause;
        false
    }
}
