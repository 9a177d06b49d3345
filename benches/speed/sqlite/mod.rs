//! The embedded store beside rusqlite and `sqlite3`.

pub mod consume;
pub mod dead_letters;
pub mod delay;
pub mod exec;
pub mod memory;
pub mod one_shot;
pub mod publish;
pub mod setup;
pub mod tail;
