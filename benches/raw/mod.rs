//! The raw sides: the least work that stores and settles the same events, with the same pragmas and batches.

pub mod child;
pub mod sqlite;
