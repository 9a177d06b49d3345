//! Outboxes in PostgreSQL, on a real server.

mod fixture;
mod operating;
mod outages;
mod rights;
mod writers;
