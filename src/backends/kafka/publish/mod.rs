//! Publishing.

mod one_shot;
pub(super) mod publisher;
mod refusal;
