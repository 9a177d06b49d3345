//! Outboxes in PostgreSQL, on a real server.

mod doctor;
mod fixture;
mod inbox;
mod operating;
mod outages;
mod rights;
mod shards;
mod writers;
