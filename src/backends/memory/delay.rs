//! Schedules: listing, cancelling and moving delayed messages.

use std::{time::SystemTime, vec};

use async_trait::async_trait;

use super::store::{State, Store};
use crate::transport::{Result, Schedule, ScheduleId, ScheduleScan};

/// Lists the schedules as of now.
pub(super) fn scan(store: &Store) -> Box<dyn ScheduleScan> {
    let schedules: Vec<_> = store.look(|state| state.schedules.values().cloned().collect());
    Box::new(Scan(schedules.into_iter()))
}

/// Cancels a schedule; reports whether it was still pending.
pub(super) fn cancel(store: &Store, id: &ScheduleId) -> bool {
    store.change(|state, _| remove(state, id).is_some())
}

/// Moves a schedule to another time; reports whether it was still pending.
pub(super) fn reschedule(store: &Store, id: &ScheduleId, due: SystemTime) -> bool {
    store.change(|state, now| {
        let Some(mut schedule) = remove(state, id) else {
            return false;
        };
        schedule.due = due;
        let number = state.number();
        state.schedules.insert((due, number), schedule);
        state.advance(now);
        true
    })
}

fn remove(state: &mut State, id: &ScheduleId) -> Option<Schedule> {
    let mut schedules = state.schedules.iter();
    let (place, _) = schedules.find(|(_, schedule)| schedule.id == *id)?;
    let place = *place;
    state.schedules.remove(&place)
}

/// The schedules that existed when the scan began.
struct Scan(vec::IntoIter<Schedule>);

#[async_trait]
impl ScheduleScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        Ok(self.0.by_ref().take(max.max(1)).collect())
    }
}
