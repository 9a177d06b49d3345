//! Notices of a relay on stderr.

use std::sync::Arc;

use protoflow::outbox::{RelayNotice, RelayObserver};

use crate::{
    metrics::Health,
    output::{Remarks, counted},
};

/// Prints notices, and tells the state of health.
#[derive(Debug)]
pub struct Reporter {
    remarks: Remarks,
    health: Arc<Health>,
}

impl Reporter {
    /// Creates a reporter.
    pub fn new(remarks: Remarks, health: Arc<Health>) -> Self {
        Self { remarks, health }
    }

    fn note_health(&self, notice: &RelayNotice) {
        match notice {
            RelayNotice::Leads { .. } | RelayNotice::Waits { .. } => self.health.set_working(true),
            RelayNotice::Outage(_) => self.health.set_answering(false),
            RelayNotice::Recovered => self.health.set_answering(true),
            _ => {}
        }
    }
}

/// Names a shard, if there are several.
fn of_shard((number, of): (i32, i32)) -> String {
    match of {
        1 => String::new(),
        of => format!(" shard {} of {of}", number + 1),
    }
}

impl RelayObserver for Reporter {
    fn notice(&self, notice: RelayNotice) {
        let remarks = &self.remarks;
        self.note_health(&notice);
        match notice {
            RelayNotice::Leads {
                shard,
                exactly_once,
                recovered,
                ..
            } => {
                let how = if exactly_once {
                    "exactly once"
                } else {
                    "at least once"
                };
                let shard = of_shard(shard);
                remarks.remark(&format!("relaying{shard}, {how}"));
                if recovered > 0 {
                    let rows = counted(recovered as u64, "row", "rows");
                    remarks.remark(&format!(
                        "removed {rows} that the relay before had published"
                    ));
                }
            }
            RelayNotice::Waits { shard, holder } => {
                let shard = of_shard(shard);
                remarks.remark(&format!("waiting{shard}: {holder} relays"));
            }
            RelayNotice::Lost => remarks.warning("another relay took over"),
            RelayNotice::Refused {
                id,
                key,
                error,
                parked,
            } => {
                let outcome = match (parked, key) {
                    (true, _) => "it is parked".to_owned(),
                    (false, Some(key)) => format!("it holds up the key `{key}`"),
                    (false, None) => "it is retried".to_owned(),
                };
                remarks.warning(&format!("row {id} was refused, {outcome}: {error}"));
                if let Some(hint) = error.advice() {
                    remarks.hint(hint);
                }
            }
            RelayNotice::Outage(error) => {
                remarks.warning(&format!("{error}; retrying until it answers"));
            }
            RelayNotice::Recovered => remarks.remark("it answers"),
            RelayNotice::Cleaned(rows) => {
                let rows = counted(rows, "kept row", "kept rows");
                remarks.remark(&format!("deleted {rows}"));
            }
            RelayNotice::NotCleaned(error) => {
                remarks.warning(&format!("kept rows were not deleted: {error}"));
                if let Some(hint) = error.advice() {
                    remarks.hint(hint);
                }
            }
            _ => {}
        }
    }
}
