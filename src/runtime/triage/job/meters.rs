//! Metrics of a job, through the `metrics` facade.

use metrics::{Counter, Unit};

use crate::transport::{JobAction, Resolution};

/// Dead letters of a job, by outcome.
const RESOLVED: &str = "protoflow.job.dead_letters";

/// Counts what a job resolves.
pub(super) struct Meters([Counter; 4]);

impl Meters {
    pub(super) fn new(system: &'static str, action: &JobAction) -> Self {
        metrics::describe_counter!(
            RESOLVED,
            Unit::Count,
            "Dead letters of jobs, by action and outcome"
        );
        let verb = action.verb();
        Self(["done", "gone", "failed", "ambiguous"].map(|outcome| {
            metrics::counter!(
                RESOLVED,
                "messaging.system" => system,
                "action" => verb,
                "outcome" => outcome,
            )
        }))
    }

    pub(super) fn count(&self, resolution: &Resolution) {
        let [done, gone, failed, ambiguous] = &self.0;
        let counter = match resolution {
            Resolution::Done => done,
            Resolution::Gone => gone,
            Resolution::Failed { .. } => failed,
            Resolution::Ambiguous { .. } => ambiguous,
        };
        counter.increment(1);
    }
}
