//! Requests and their replies: events that go to the topic which their cause names.
//!
//! A request has the extension `replyto`, a topic. A reply has `causationid`, the id of its request, by which it is matched:
//! a correlation id names a whole flow. Headers of Spring Kafka (`kafka_replyTopic`, `kafka_correlationId`) are read, and
//! echoed where they are used.

mod address;
mod answer;
mod carried;
mod requester;

pub use self::{
    address::ReplyRules,
    answer::{Answer, reply_error},
    requester::{Request, Requester},
};
pub(in crate::runtime) use self::{
    address::{ADDRESS, address},
    answer::failure_reply,
    carried::carry_over,
};
