//! `Transport::subscribe`: a group is a subscription of each of its topics, and of their retry topics.
//!
//! A log (a topic without partitions, a partition, a retry topic) has a task of its own (`log_task`), which keeps a consumer
//! connected, permits as many messages as there is room for, and acknowledges. An entry that another client wrote as a batch
//! is acknowledged once all of its messages are settled (`entries`): the broker knows entries only. Entries that come again
//! after an outage are recognised while their messages are in flight here.
//!
//! A retry is a message in `<topic>-<group>-RETRY`, which only the group reads, held back by the broker until it is due. What
//! the broker delivers early is held back here (`state`).

mod entries;
mod log_task;
pub(crate) mod logs;
mod ranges;
mod session;
mod settle;
mod state;
pub(crate) mod subscription;
mod tasks;
mod until_end;
mod watch;
