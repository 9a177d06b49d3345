//! The consume loop: receive, handle, settle.

mod consumer;
mod ending;
mod fetch;
mod inspect;
mod intake;
mod ledger;
mod options;
mod outcome;
mod phase;
mod proof;
mod pump;
mod queue;
mod responder;
mod running;
mod turns;
mod verdict;

pub use self::{
    consumer::Consumer,
    ending::{ConsumeError, End, Stop, Summary},
    options::ConsumeOptions,
};
