//! Groups: joining one, and what it has not finished.

mod backlog;
mod held_elsewhere;
mod request;

pub use self::{
    backlog::Backlog,
    held_elsewhere::HeldElsewhere,
    request::{StartFrom, SubscribeRequest},
};
