//! Publishing.

mod one_shot;
pub(super) mod publisher;
pub(super) mod receipted;
mod refusal;
