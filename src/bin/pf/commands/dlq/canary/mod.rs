//! `pf dlq replay --canary`: a command is tried on copies of dead letters before they are replayed.

mod args;
mod first_try;
mod trial;
mod view;
mod wait;

pub use self::{
    args::{CanaryArgs, CanaryKind},
    first_try::FirstTry,
    wait::{CanaryWait, check_canary, fate},
};
