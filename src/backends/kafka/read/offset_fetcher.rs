//! Reading single records again, by their offsets.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    types::RDKafkaErrorCode as Code,
};

use crate::{
    backends::kafka::{
        codec::record::FetchedRecord,
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
            },
            config::Config,
            handle,
        },
        error,
    },
    lock::Mutex,
    transport::Result,
};

/// Records that are further apart than this are sought one by one.
const APART: i64 = 2000;
/// How long a poll waits.
const LOOK: Duration = Duration::from_millis(20);

/// What was found, and how many more bytes may be.
struct Fetched {
    reads: Vec<FetchedRecord>,
    room: usize,
}

/// A client that reads records by their offsets, one question at a time.
pub(crate) struct OffsetFetcher {
    config: Config,
    client: Mutex<Option<BaseConsumer<ClientErrors>>>,
}

impl std::fmt::Debug for OffsetFetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetcher")
    }
}

impl OffsetFetcher {
    /// Prepares to read.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            client: Mutex::new(None),
        }
    }

    /// Returns the records at these offsets, which ascend; one that is not there is left out. Blocks.
    pub(crate) fn read(
        &self,
        topic: &str,
        partition: i32,
        offsets: &[i64],
    ) -> Result<Vec<FetchedRecord>> {
        self.read_some(topic, partition, offsets, usize::MAX)
    }

    /// The same, until so many bytes were read. Blocks.
    pub(crate) fn read_some(
        &self,
        topic: &str,
        partition: i32,
        offsets: &[i64],
        bytes: usize,
    ) -> Result<Vec<FetchedRecord>> {
        let mut client = self.client.lock();
        if client.is_none() {
            let settings = settings::reader(&self.config, Isolation::Committed, true);
            *client = Some(client::create(&settings, ClientErrors::default())?);
        }
        let Some(client) = client.as_ref() else {
            return Ok(Vec::new());
        };
        let mut found = Fetched {
            reads: Vec::new(),
            room: bytes,
        };
        let mut rest = offsets;
        while let Some(first) = rest.first()
            && found.room > 0
        {
            let run = rest
                .windows(2)
                .take_while(|pair| pair[1] - pair[0] <= APART)
                .count()
                + 1;
            let (near, far) = rest.split_at(run);
            self.read_run(client, (topic, partition), *first, near, &mut found)?;
            rest = far;
        }
        Ok(found.reads)
    }

    fn read_run(
        &self,
        client: &BaseConsumer<ClientErrors>,
        (topic, partition): (&str, i32),
        first: i64,
        wanted: &[i64],
        found: &mut Fetched,
    ) -> Result<()> {
        let reading = |failed| error::from_kafka(failed, "reading records");
        let bounds = handle::bounds(client, &self.config, topic, partition)?;
        let last = wanted.last().copied().unwrap_or(first).min(bounds.high - 1);
        if last < bounds.low {
            return Ok(());
        }
        let mut place = TopicPartitionList::new();
        let from = Offset::Offset(first.max(bounds.low));
        place
            .add_partition_offset(topic, partition, from)
            .map_err(reading)?;
        client.assign(&place).map_err(reading)?;
        let name: Arc<str> = topic.into();
        let mut end = Instant::now() + self.config.timeout;
        loop {
            match client.poll(LOOK) {
                Some(Ok(record)) => {
                    let offset = record.offset();
                    if wanted.binary_search(&offset).is_ok() {
                        let size = record.payload().map_or(0, <[u8]>::len);
                        found.room = found.room.saturating_sub(size);
                        found
                            .reads
                            .push(FetchedRecord::copy(Arc::clone(&name), &record));
                    }
                    if offset >= last || found.room == 0 {
                        return Ok(());
                    }
                    end = Instant::now() + self.config.timeout;
                }
                Some(Err(failed)) => match failed.rdkafka_error_code() {
                    // There is nothing more, also where the last record is gone.
                    None | Some(Code::PartitionEOF) => return Ok(()),
                    Some(_) if Instant::now() < end => {}
                    Some(_) => return Err(reading(failed)),
                },
                None if Instant::now() < end => {}
                None => return Err(client.context().unreachable(&self.config.servers)),
            }
        }
    }
}
