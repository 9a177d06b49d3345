//! Replies as events.

use std::time::SystemTime;

use cloudevents::AttributesWriter as _;

use super::{
    address::{ReplyRules, address},
    carried::carry_over,
};
use crate::{
    event::{Encoding, Envelope, EventError, Group, Message, encode, event, response_id},
    transport::{DeadLetterKind, Failure, Outgoing},
};

/// The extension of a reply that names its request.
const CAUSATION_ID: &str = "causationid";
/// The extension of a reply that says why there is no other.
const REPLY_ERROR: &str = "replyerror";
/// The header of Spring Kafka by which its template matches a reply.
const SPRING_ID: &str = "kafka_correlationId";

/// The request that a reply is to, and who replies.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The request.
    pub request: &'a Message,
    /// The group that replies.
    pub group: &'a Group,
    /// Which addresses are allowed.
    pub rules: &'a ReplyRules,
    /// The number of the reply, from 0.
    pub index: usize,
    /// How events are stored.
    pub encoding: Encoding,
}

impl Answer<'_> {
    /// Returns a reply with these data; `None` if the request wants none. A run that is repeated makes the same one.
    ///
    /// # Errors
    /// If the address is refused, or the data do not fit their content type.
    pub fn reply(
        &self,
        content_type: &str,
        data: impl Into<Vec<u8>>,
    ) -> Result<Option<Outgoing>, EventError> {
        self.write(|event| event.data_bytes(content_type, data))
    }

    /// Returns a reply that says why there is no other.
    fn error(&self, reason: &str) -> Result<Option<Outgoing>, EventError> {
        self.write(|event| event.extension(REPLY_ERROR, reason.to_owned()))
    }

    fn write(
        &self,
        fill: impl FnOnce(crate::event::EventBuilder) -> crate::event::EventBuilder,
    ) -> Result<Option<Outgoing>, EventError> {
        let topic = address(self.request, self.rules);
        let topic =
            topic.map_err(|reason| EventError::Data(format!("has no receiver: {reason}")))?;
        let Some(topic) = topic else {
            return Ok(None);
        };
        let request = Envelope::read(self.request)?;
        let id = response_id(self.request, self.group, self.index);
        let draft = event(
            format!("{}.reply", request.ty),
            format!("//pf/{}", self.group),
        )
        .id(format!("reply-{id}"))
        .time(SystemTime::now())
        .extension(CAUSATION_ID, request.id.as_ref().to_owned());
        let mut reply = fill(draft).build()?;
        reply.set_subject(request.subject.as_deref().map(ToOwned::to_owned));
        carry_over(&request, &mut reply);
        let mut message = encode(&reply, topic, self.encoding)?;
        let mut headers = self.request.headers.iter();
        if let Some((_, id)) = headers.find(|(name, _)| name.eq_ignore_ascii_case(SPRING_ID)) {
            message.headers.push_known(SPRING_ID, id.cloned());
        }
        Ok(Some(Outgoing {
            message,
            due: None,
            dedup: false,
        }))
    }
}

/// Returns the reply to a request that is dead-lettered; `None` if it wants none, or none can be made.
pub(in crate::runtime) fn failure_reply(
    answer: &Answer<'_>,
    kind: DeadLetterKind,
    failure: &Failure,
) -> Option<Outgoing> {
    let reason = format!("{kind}: {}", failure.message);
    answer.error(&reason).ok().flatten()
}

/// Returns why a request was not handled, if this reply says so: the kind of the dead letter and its reason.
#[must_use]
pub fn reply_error(reply: &Envelope<'_>) -> Option<String> {
    reply
        .extension(REPLY_ERROR)
        .map(std::borrow::Cow::into_owned)
}
