//! `Transport::tail`: reading without a group, over topics and their partitions, in the order in which messages were stored.

pub(crate) mod follow;
mod ledgers;
mod queues;
mod start;
