//! The embedded store beside rusqlite and `sqlite3`.

pub mod consume;
pub mod delay;
pub mod exec;
pub mod letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
mod stage;
pub mod tail;
