//! Replies to requests that are given up: they are stored before the dead letter, which does not depend on them.

use tokio::time::Instant;

use super::{
    finished::{FinishedRun, RunEnd},
    verdict::dead_letter,
};
use crate::{
    event::{Encoding, Group},
    runtime::{
        Answer, Outcome, ReplyRules, consume::options::ConsumeOptions, reply::failure_reply,
    },
    transport::{DeadLetterKind, Delivery, Failure, Outgoing, Verdict},
};

/// What comes first when an event is settled.
pub(in crate::runtime::consume) enum Order {
    /// The verdict.
    AtOnce(Delivery, Verdict),
    /// The reply to a request that is dead-lettered; the request waits until it is stored.
    ReplyFirst(Box<FinishedRun>, Box<Outgoing>),
}

/// See the module.
pub(in crate::runtime::consume) struct FailureReplies {
    rules: Option<ReplyRules>,
    group: Group,
    encoding: Encoding,
}

impl FailureReplies {
    pub(in crate::runtime::consume) fn new(options: &ConsumeOptions, encoding: Encoding) -> Self {
        let rules = options.replies.clone();
        Self {
            rules: rules.filter(|rules| rules.report_failures),
            group: options.request.group.clone(),
            encoding,
        }
    }

    /// Decides whether a reply comes before a verdict.
    pub(in crate::runtime::consume) fn of(
        &self,
        delivery: Delivery,
        verdict: Verdict,
        probe: bool,
    ) -> Order {
        let Verdict::DeadLetter { kind, failure } = verdict else {
            return Order::AtOnce(delivery, verdict);
        };
        let Some(reply) = self.reply(&delivery, kind, &failure) else {
            return Order::AtOnce(delivery, Verdict::DeadLetter { kind, failure });
        };
        let given_up = FinishedRun {
            delivery,
            end: RunEnd::GivenUp(kind, *failure),
            max_attempts: 0,
            started: Instant::now(),
            probe,
        };
        Order::ReplyFirst(Box::new(given_up), Box::new(reply))
    }

    fn reply(
        &self,
        delivery: &Delivery,
        kind: DeadLetterKind,
        failure: &Failure,
    ) -> Option<Outgoing> {
        // The sender of a request that has expired no longer waits.
        let rules = self
            .rules
            .as_ref()
            .filter(|_| kind != DeadLetterKind::Expired)?;
        let request = delivery.event_message();
        let answer = Answer {
            request: &request,
            group: &self.group,
            rules,
            index: 0,
            encoding: self.encoding,
        };
        failure_reply(&answer, kind, failure)
    }
}

/// Takes the verdict out of a cause that was given up before its reply was stored.
pub(in crate::runtime::consume) fn take_verdict(cause: &mut FinishedRun) -> Option<Verdict> {
    match std::mem::replace(&mut cause.end, RunEnd::Handled(Outcome::Return)) {
        RunEnd::GivenUp(kind, failure) => Some(dead_letter(kind, failure)),
        end => {
            cause.end = end;
            None
        }
    }
}
