//! What is left when brokers and consumers die: each test ends with a count of lost and doubled events.

mod consume;
mod namespace;
mod publish;
mod ranges;
mod stored;
mod world;
