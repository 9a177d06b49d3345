//! Reads the retries that were stored before their partitions became ours a few partitions at a time: the client fetches
//! from all that it may, and would hold a piece of each at once.

use rdkafka::{TopicPartitionList, consumer::Consumer as _};

use crate::{
    backends::kafka::{
        consume::{
            assignment::partition::{Kind, Part},
            poll_loop::Pump,
            state::Desk,
        },
        error,
    },
    transport::Result,
};

/// How many partitions are read at a time.
const AT_ONCE: usize = 8;

impl Pump {
    /// Stops and resumes partitions of retries, so that few of those that were not read yet are being read.
    pub(crate) fn stagger(&self) -> Result<()> {
        let (stopped, resumed) = self.shared.desk().stagger();
        for (places, is_resumed) in [(stopped, false), (resumed, true)] {
            if places.count() == 0 {
                continue;
            }
            let done = if is_resumed {
                self.client.resume(&places)
            } else {
                self.client.pause(&places)
            };
            done.map_err(|failed| error::from_kafka(failed, "reading retries"))?;
        }
        Ok(())
    }
}

impl Desk {
    /// Notes that every partition is being read.
    pub(crate) fn are_resumed(&mut self) {
        self.paused = false;
        self.suspect = true;
        for part in self.parts.values_mut() {
            if let Kind::Retries(retries) = &mut part.kind {
                retries.is_held = false;
            }
        }
    }

    /// Reports whether there are retries whose partitions were not read to the end yet.
    pub(crate) fn has_unread_retries(&self) -> bool {
        let mut parts = self.parts.values();
        parts.any(|part| matches!(&part.kind, Kind::Retries(retries) if !retries.is_read()))
    }

    /// Chooses partitions to stop and to resume.
    fn stagger(&mut self) -> (TopicPartitionList, TopicPartitionList) {
        let (mut stopped, mut resumed) = (TopicPartitionList::new(), TopicPartitionList::new());
        // Then all are stopped.
        if self.paused {
            return (stopped, resumed);
        }
        let mut reading = 0;
        for part in self.parts.values_mut() {
            if is_unread(part, false) {
                reading += 1;
                if reading > AT_ONCE {
                    hold(part, true, &mut stopped);
                }
            }
        }
        for part in self.parts.values_mut() {
            if reading < AT_ONCE && is_unread(part, true) {
                reading += 1;
                hold(part, false, &mut resumed);
            }
        }
        (stopped, resumed)
    }
}

fn is_unread(part: &Part, is_held: bool) -> bool {
    match &part.kind {
        Kind::Retries(retries) => !retries.is_read() && retries.is_held == is_held,
        Kind::Messages { .. } => false,
    }
}

fn hold(part: &mut Part, is_held: bool, places: &mut TopicPartitionList) {
    places.add_partition(&part.name, part.partition);
    if let Kind::Retries(retries) = &mut part.kind {
        retries.is_held = is_held;
    }
}
