//! Replies to requests that are given up: they are stored before the dead letter, which does not depend on them.

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

    /// Returns the reply to a request, if this verdict gives it up.
    pub(in crate::runtime::consume) fn of(
        &self,
        delivery: &Delivery,
        verdict: &Verdict,
    ) -> Option<Outgoing> {
        match verdict {
            Verdict::DeadLetter { kind, failure } => self.reply(delivery, *kind, failure),
            _ => None,
        }
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
