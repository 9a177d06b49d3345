//! The consume loop: receive, handle, settle.

mod admission;
mod consumer;
mod deliveries;
mod event_loop;
mod lifecycle;
mod options;
mod outcome;
mod responses;
mod run;
mod settlements;
mod summary;

pub use self::{
    consumer::Consumer,
    options::ConsumeOptions,
    summary::{ConsumeError, End, Stop, Summary},
};
