//! Reading dead letters in order, and ahead of the job: the next ones arrive while a step waits for the server.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::timeout};

use crate::{
    backends::nats::{
        connection::handle::Connection,
        dead_letter::decode::{DecodedLetter, EncodedLetter},
        error::error,
        read::{
            scope::{ReadScope, StartAt},
            stream_reader::StreamReader,
        },
    },
    transport::{ErrorKind, JobLease, Result},
};

/// How long the next dead letter is waited for.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// The most bytes that are read ahead.
const MAX_AHEAD_BYTES: usize = 4 << 20;
/// With this many bytes of messages a step takes no further dead letter.
pub(crate) const MAX_STEP_BYTES: usize = 16 << 20;

/// Consecutive sequences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SequenceRange {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// The dead letters of a range.
#[derive(Debug, Default)]
pub(crate) struct RangeRead {
    pub(crate) letters: HashMap<u64, DecodedLetter>,
    /// The sequence before which all of them were read.
    pub(crate) end: u64,
}

/// The read of a job, kept open from one step to the next.
#[derive(Debug, Default)]
pub(crate) struct Prefetch(Mutex<Option<OpenReader>>);

/// An open read.
#[derive(Debug)]
struct OpenReader {
    token: u64,
    reader: StreamReader,
    /// The first sequence that was not passed yet.
    next: u64,
    /// Messages of later sequences that were read ahead.
    ahead: VecDeque<Prefetched>,
}

/// A message that was read.
#[derive(Debug)]
enum Prefetched {
    /// A dead letter; none if the message is not one.
    Decoded(u64, Option<Box<DecodedLetter>>),
    /// A dead letter that refers to its original.
    Reference(Box<EncodedLetter>),
}

impl Prefetched {
    fn of(encoded: EncodedLetter) -> Self {
        if encoded.is_reference() {
            return Self::Reference(Box::new(encoded));
        }
        Self::Decoded(encoded.sequence, encoded.decode().map(Box::new))
    }

    fn sequence(&self) -> u64 {
        match self {
            Self::Decoded(sequence, _) => *sequence,
            Self::Reference(encoded) => encoded.sequence,
        }
    }

    async fn load(self, connection: &Connection) -> Result<Option<DecodedLetter>> {
        match self {
            Self::Decoded(_, decoded) => Ok(decoded.map(|decoded| *decoded)),
            Self::Reference(encoded) => encoded.load(connection).await,
        }
    }
}

impl Prefetch {
    /// Reads the dead letters of a range of sequences, as many as one step takes.
    pub(crate) async fn read_range(
        &self,
        connection: &Arc<Connection>,
        lease: &JobLease,
        range: SequenceRange,
    ) -> Result<RangeRead> {
        let SequenceRange { first, count } = range;
        let mut slot = self.0.lock().await;
        let is_near = |open: &OpenReader| {
            let gap = first.checked_sub(open.next);
            open.token == lease.token && gap.is_some_and(|gap| gap <= count)
        };
        let mut open = match slot.take().filter(is_near) {
            Some(open) => open,
            None => OpenReader::open(connection, lease, first).await?,
        };
        let (mut read, last) = (RangeRead::default(), first + count - 1);
        let mut bytes = 0;
        while open.next <= last && bytes < MAX_STEP_BYTES {
            let Some(message) = open.next_message().await? else {
                read.end = last + 1;
                return Ok(read);
            };
            let sequence = message.sequence();
            if sequence > last {
                open.ahead.push_front(message);
                open.next = last + 1;
                break;
            }
            open.next = sequence + 1;
            if sequence >= first
                && let Some(letter) = message.load(connection).await?
            {
                bytes += letter.letter.message.bytes().len();
                read.letters.insert(sequence, letter);
            }
        }
        read.end = open.next;
        *slot = Some(open);
        Ok(read)
    }

    /// Reads ahead at most this many dead letters while a step waits for something else. Cancel safe.
    pub(crate) async fn read_ahead(&self, count: usize) {
        let mut slot = self.0.lock().await;
        let Some(open) = slot.as_mut() else {
            return;
        };
        let mut bytes = 0;
        while open.ahead.len() < count && bytes < MAX_AHEAD_BYTES {
            // A failure is seen again by the step that needs them.
            let Ok(Some(received)) = open.reader.next().await else {
                return;
            };
            bytes += received.payload.len();
            open.ahead.push_back(Prefetched::of(received.into()));
        }
    }

    /// Closes the read.
    pub(crate) async fn close(&self) {
        self.0.lock().await.take();
    }
}

impl OpenReader {
    async fn open(connection: &Arc<Connection>, lease: &JobLease, first: u64) -> Result<Self> {
        // Without a filter: to count what a filter matches, the server would compare the subject of every dead letter.
        let stream = connection.names.dead_letter_stream();
        let scope = ReadScope::once(stream, Vec::new(), StartAt::Sequence(first));
        Ok(Self {
            token: lease.token,
            reader: StreamReader::open(connection, scope).await?,
            next: first,
            ahead: VecDeque::new(),
        })
    }

    /// Returns the next message; none is the end.
    async fn next_message(&mut self) -> Result<Option<Prefetched>> {
        if let Some(message) = self.ahead.pop_front() {
            return Ok(Some(message));
        }
        // The reader would wait indefinitely for a server that is gone, but the holder of a lease has to give up.
        let received = timeout(READ_TIMEOUT, self.reader.next()).await;
        let received =
            received.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))??;
        Ok(received.map(|received| Prefetched::of(received.into())))
    }
}
