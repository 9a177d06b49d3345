//! Where a read or a bounded membership ends, as the stream's leader knows it: a replica that serves a consumer may be behind.

use std::time::SystemTime;

use serde_json::json;

use crate::{
    backends::nats::{
        connection::{handle::Link, stream::info::Facts},
        consume::{consumer::durable::Durable, until_end::Bounds},
        read::stream_reader::{Begin, Reader},
    },
    transport::{ErrorKind, Result},
};

impl Begin {
    /// Reports whether a message that was stored at a time is not before the beginning for that.
    fn admits(self, time: SystemTime) -> bool {
        match self {
            Self::At(_) => true,
            Self::Time(begin) => time >= begin,
        }
    }
}

impl Link {
    /// Asks a stream's leader whether it holds, from one number to another, a message that a filter matches: a replica that
    /// serves a consumer may lack what was just confirmed.
    pub(crate) async fn holds(
        &self,
        (stream, filters): (&str, &[String]),
        (next, end): (u64, u64),
        admits: impl Fn(SystemTime) -> bool,
    ) -> Result<bool> {
        let all = [">".to_owned()];
        let filters = if filters.is_empty() { &all } else { filters };
        for filter in filters.iter().filter(|_| next <= end) {
            let what = json!({"seq": next, "next_by_subj": filter});
            match self.get(stream, &what).await {
                Ok(Some(found)) if found.number <= end && admits(found.time) => return Ok(true),
                // Who may not ask believes what the replica says.
                Ok(_) => {}
                Err(failed) if failed.kind() == ErrorKind::Denied => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(false)
    }
}

impl Reader {
    /// Reports whether nothing is left, as the stream's leader knows it.
    pub(crate) async fn is_end(&mut self) -> Result<bool> {
        let Some(end) = self.end else {
            return Ok(true);
        };
        let (scope, next) = (&self.scope, self.last.max(self.before) + 1);
        let what = (scope.stream.as_str(), scope.filters.as_slice());
        let admits = |time| scope.begin.admits(time);
        if self.link.holds(what, (next, end), admits).await? {
            return Ok(false);
        }
        self.end = None;
        Ok(true)
    }
}

impl Bounds {
    /// Reports whether the consumer has more for this membership, or will have it: its server may be behind the stream's
    /// leader.
    pub(crate) async fn is_left(&self, link: &Link, durable: &Durable) -> Result<bool> {
        let next = durable.delivered() + 1;
        if next > self.end || durable.num_pending > 0 {
            return Ok(next <= self.end);
        }
        if !self.is_replicated || durable.passes_over() {
            return Ok(false);
        }
        let filters = durable.filters();
        let what = (link.names.stream.as_str(), filters.as_slice());
        link.holds(what, (next, self.end), |_| true).await
    }
}

/// Returns the last number of a stream that has replicas, as its leader knows it.
pub(crate) async fn end(link: &Link, stream: &str) -> Result<Option<u64>> {
    if link.client.server_info().cluster.is_none() {
        return Ok(None);
    }
    let facts = link.find_stream(stream).await?;
    let replicated = facts.filter(Facts::is_replicated);
    Ok(replicated.map(|facts| facts.state.last_seq))
}
