//! Single records read by their offsets.

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
        codec::{record::FetchedRecord, topic_partition::TopicPartition},
        connection::{
            access::Access,
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            config::Config,
        },
        error,
    },
    lock::Mutex,
    transport::Result,
};

/// Records that are further apart than this are sought; those between nearer ones are read and dropped.
const MAX_READ_THROUGH: i64 = 2000;
/// How long a poll waits.
const POLL: Duration = Duration::from_millis(20);

/// The records that were read, and how many bytes may follow.
struct Fetched {
    records: Vec<FetchedRecord>,
    budget: usize,
}

/// Reads records by their offsets, one request at a time.
pub(crate) struct OffsetFetcher {
    config: Config,
    client: Mutex<Option<BaseConsumer<Context>>>,
}

impl std::fmt::Debug for OffsetFetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OffsetFetcher")
    }
}

impl OffsetFetcher {
    /// Prepares to read; the client is created on first use.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            client: Mutex::new(None),
        }
    }

    /// Returns the records at these ascending offsets, without those that no longer exist. Blocks.
    pub(crate) fn read(&self, at: &TopicPartition, offsets: &[i64]) -> Result<Vec<FetchedRecord>> {
        self.read_some(at, offsets, usize::MAX)
    }

    /// The same, but stops after about `bytes`. Blocks.
    pub(crate) fn read_some(
        &self,
        at: &TopicPartition,
        offsets: &[i64],
        bytes: usize,
    ) -> Result<Vec<FetchedRecord>> {
        let mut client = self.client.lock();
        if client.is_none() {
            let settings = settings::reader(&self.config, Isolation::Committed, true);
            *client = Some(client::create(&settings, Context::default())?);
        }
        let Some(client) = client.as_ref() else {
            return Ok(Vec::new());
        };
        let mut found = Fetched {
            records: Vec::new(),
            budget: bytes,
        };
        let mut rest = offsets;
        while !rest.is_empty() && found.budget > 0 {
            let run = rest
                .windows(2)
                .take_while(|pair| pair[1] - pair[0] <= MAX_READ_THROUGH)
                .count()
                + 1;
            let (near, far) = rest.split_at(run);
            self.read_run(client, at, near, &mut found)?;
            rest = far;
        }
        Ok(found.records)
    }

    fn read_run(
        &self,
        client: &BaseConsumer<Context>,
        at: &TopicPartition,
        wanted: &[i64],
        found: &mut Fetched,
    ) -> Result<()> {
        let reading = |failed| error::from_kafka(failed, "reading records");
        let watermarks = client::watermarks(client, &self.config, at)?;
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(());
        };
        let last = (*last).min(watermarks.high - 1);
        if last < watermarks.low {
            return Ok(());
        }
        let mut assignment = TopicPartitionList::new();
        let from = Offset::Offset((*first).max(watermarks.low));
        assignment
            .add_partition_offset(&at.topic, at.partition, from)
            .map_err(reading)?;
        client.assign(&assignment).map_err(reading)?;
        let mut end = Instant::now() + self.config.timeout;
        loop {
            match client.poll(POLL) {
                Some(Ok(record)) => {
                    let offset = record.offset();
                    if wanted.binary_search(&offset).is_ok() {
                        let size = record.payload().map_or(0, <[u8]>::len);
                        found.budget = found.budget.saturating_sub(size);
                        let topic = Arc::clone(&at.topic);
                        found.records.push(FetchedRecord::copy(topic, &record));
                    }
                    if offset >= last || found.budget == 0 {
                        return Ok(());
                    }
                    end = Instant::now() + self.config.timeout;
                }
                Some(Err(failed)) => match failed.rdkafka_error_code() {
                    // The end of the log; the last record may have been removed meanwhile.
                    None | Some(Code::PartitionEOF) => return Ok(()),
                    Some(Code::TopicAuthorizationFailed) => {
                        return Err(Access::topic("Read", &at.topic).denied(&self.config));
                    }
                    Some(_) if Instant::now() < end => {}
                    Some(_) => return Err(reading(failed)),
                },
                None if Instant::now() < end => {}
                None => return Err(client.context().errors.unreachable(&self.config.servers)),
            }
        }
    }
}
