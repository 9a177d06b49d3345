//! `Transport::publish`: stores messages at once, or schedules them.

use std::time::SystemTime;

use ulid::Ulid;

use super::{
    error::SCHEME,
    store::{State, Store},
};
use crate::transport::{Outgoing, Receipt, Result, Schedule, ScheduleId};

/// Stores a batch in one step. With `dedup` no duplicate of an event is stored, whatever the batch asks for.
pub(super) fn publish(store: &Store, batch: Vec<Outgoing>, dedup: bool) -> Vec<Result<Receipt>> {
    store.change(|state, now| {
        let receipts = batch
            .into_iter()
            .map(|outgoing| publish_once(state, outgoing, now, dedup));
        receipts.collect()
    })
}

/// Stores a message unless it is a duplicate.
fn publish_once(
    state: &mut State,
    outgoing: Outgoing,
    now: SystemTime,
    dedup: bool,
) -> Result<Receipt> {
    let Some(key) = outgoing.dedup_key(SCHEME, dedup)? else {
        return Ok(publish_one(state, outgoing, now));
    };
    if let Some(position) = state.published.get(&key) {
        return Ok(Receipt {
            position: position.clone(),
            schedule: None,
            duplicate: true,
        });
    }
    let receipt = publish_one(state, outgoing, now);
    state.published.insert(key, receipt.position.clone());
    Ok(receipt)
}

fn publish_one(state: &mut State, outgoing: Outgoing, now: SystemTime) -> Receipt {
    match outgoing.due.filter(|due| *due > now) {
        None => Receipt {
            position: Some(state.append(outgoing.message, now, None)),
            schedule: None,
            duplicate: false,
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
                duplicate: false,
            }
        }
    }
}
