//! Pulsar's own clients for Java and Python beside Protoflow: what each writes the other reads, and they share subscriptions.

mod batches;
mod chunks;
mod client;
mod held;
mod letters;
mod partitions;
mod schemas;
