//! Triage: killed at each point of an edit and at random moments.

mod edits;
mod fixture;
mod operators;
mod records;
mod round;
mod rounds;
mod verified;
