//! `pf` against servers that die, connections that break and streams that refuse; each test ends with what was lost and
//! what was doubled, counted by a client of its own.

mod cluster;
mod connection;
mod consume;
mod elections;
mod publish;
mod refusals;
mod replay;
mod schedules;
mod world;
