//! `Transport::publish`: stores messages at once, or schedules them.

use std::time::SystemTime;

use ulid::Ulid;

use super::store::{State, Store};
use crate::transport::{Outgoing, Receipt, Result, Schedule, ScheduleId};

/// Stores a batch in one step.
pub(super) fn publish(store: &Store, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
    store.change(|state, now| {
        let receipts = batch
            .into_iter()
            .map(|outgoing| publish_one(state, outgoing, now));
        receipts.map(Ok).collect()
    })
}

fn publish_one(state: &mut State, outgoing: Outgoing, now: SystemTime) -> Receipt {
    match outgoing.due.filter(|due| *due > now) {
        None => Receipt {
            position: Some(state.append(outgoing.message, now, None)),
            schedule: None,
        },
        Some(due) => {
            let id = ScheduleId(Ulid::generate().to_string());
            let schedule = Schedule {
                id: id.clone(),
                due,
                message: outgoing.message,
            };
            let number = state.number();
            state.schedules.insert((due, number), schedule);
            Receipt {
                position: None,
                schedule: Some(id),
            }
        }
    }
}
