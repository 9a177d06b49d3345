//! `pf` against brokers that die, partitions that move and topics that are compacted; each test ends with what was lost
//! and what was doubled, counted by a client of its own.

mod compaction;
mod consume;
mod group;
mod many_topics;
mod owners;
mod pending;
mod publish;
mod reading;
mod replay;
mod schedules;
mod world;
