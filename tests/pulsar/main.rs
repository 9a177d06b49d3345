//! The Pulsar backend on a real broker: as a library, as users of `pf` see it, and when brokers die.

mod library;
