//! Where a read ends, as the stream's leader knows it: a replica that serves a consumer may be behind.

use std::time::SystemTime;

use serde_json::json;

use super::{
    connection::Link,
    reader::{Begin, Reader},
};
use crate::transport::{ErrorKind, Result};

impl Begin {
    /// Reports whether a message that was stored at a time is not before the beginning for that.
    fn admits(self, time: SystemTime) -> bool {
        match self {
            Self::At(_) => true,
            Self::Time(begin) => time >= begin,
        }
    }
}

impl Reader {
    /// Asks the stream's leader whether nothing is left: a replica that serves a consumer may lack what was just confirmed.
    pub(super) async fn is_end(&mut self) -> Result<bool> {
        let Some(end) = self.end else {
            return Ok(true);
        };
        let next = self.last.max(self.before) + 1;
        let all = [">".to_owned()];
        let filters = match &*self.scope.filters {
            [] => &all[..],
            filters => filters,
        };
        for filter in filters.iter().filter(|_| next <= end) {
            let what = json!({"seq": next, "next_by_subj": filter});
            match self.link.get(&self.scope.stream, &what).await {
                Ok(Some(found)) if found.number <= end && self.scope.begin.admits(found.time) => {
                    return Ok(false);
                }
                // Who may not ask believes what the replica says.
                Ok(_) => {}
                Err(failed) if failed.kind() == ErrorKind::Denied => {}
                Err(failed) => return Err(failed),
            }
        }
        self.end = None;
        Ok(true)
    }
}

/// Returns the last number of a stream that has replicas, as its leader knows it.
pub(super) async fn end(link: &Link, stream: &str) -> Result<Option<u64>> {
    if link.client.server_info().cluster.is_none() {
        return Ok(None);
    }
    let facts = link.find_stream(stream).await?;
    let replicated = facts.filter(|facts| facts.config.num_replicas > 1);
    Ok(replicated.map(|facts| facts.state.last_seq))
}
