//! Outboxes in PostgreSQL, on a real server.

mod bloat;
mod disk;
mod doctor;
mod fixture;
mod inbox;
mod operating;
mod outages;
mod rights;
mod shards;
mod tls;
mod writers;
