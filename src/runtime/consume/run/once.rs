//! Runs that are made at most once: each is marked as begun before the handler is called.

use std::sync::Arc;

use super::finished::{LeftOut, RunEnd};
use crate::{
    event::{Action, Group},
    failpoint,
    runtime::{
        Outcome,
        consume::{
            deliveries::lookup::{Copied, judge},
            options::ConsumeOptions,
        },
    },
    transport::{DeadLetterKind, DedupMode, Delivery, Failure, Subscription},
};

/// See the module.
#[derive(Debug)]
pub(in crate::runtime::consume) struct Once {
    subscription: Arc<dyn Subscription>,
    action: Action,
    group: Group,
}

impl Once {
    /// Marks runs in this subscription; `None` if the options do not ask for it.
    pub(in crate::runtime::consume) fn new(
        subscription: &Arc<dyn Subscription>,
        options: &ConsumeOptions,
    ) -> Option<Self> {
        let dedup = options.request.dedup.as_ref()?;
        (dedup.mode == DedupMode::AtMostOnce).then(|| Self {
            subscription: Arc::clone(subscription),
            action: options.action(),
            group: options.request.group.clone(),
        })
    }

    /// Marks a run as begun; returns how it ends if it may not begin.
    pub(super) async fn begin(&self, delivery: &Delivery) -> Option<RunEnd> {
        let marks = self.subscription.marks()?;
        let handling = delivery.handling(&self.action, &self.group)?;
        let mark = match marks.begin(&handling).await {
            Ok(mark) => mark,
            Err(error) => {
                tracing::warn!(%error, "a run could not be marked as begun; the event goes back");
                return Some(RunEnd::Handled(Outcome::Return));
            }
        };
        failpoint::reach("consume.begun");
        Some(
            match judge(DedupMode::AtMostOnce, &handling, mark.as_ref())? {
                Copied::Settled => RunEnd::LeftOut(LeftOut::Duplicate),
                Copied::InProgress => RunEnd::Handled(Outcome::Return),
                Copied::Unknown => RunEnd::GivenUp(DeadLetterKind::Unknown, Failure::unknown()),
            },
        )
    }

    /// Takes a delivery whose run ended when all were aborted: giving it back is no reason to repeat the run.
    pub(super) fn aborted(delivery: &mut Delivery, end: &RunEnd) {
        if matches!(end, RunEnd::Handled(_)) {
            delivery.set_cut_short();
        }
    }
}
