//! `pf dlq replay --canary`: a command is tried on copies of dead letters before they are replayed.

mod args;
mod first_try;
mod trial;
mod view;

pub use self::{args::CanaryArgs, first_try::FirstTry, trial::Canary};
