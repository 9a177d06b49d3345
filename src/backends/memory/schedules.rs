//! What waits for its time.

use std::{time::SystemTime, vec};

use async_trait::async_trait;

use super::{Memory, state::State};
use crate::transport::{Result, Schedule, ScheduleId, ScheduleScan, Schedules};

#[async_trait]
impl Schedules for Memory {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        let schedules: Vec<_> = self
            .store
            .look(|state| state.schedules.values().cloned().collect());
        Ok(Box::new(Scan(schedules.into_iter())))
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        Ok(self.store.look(|state| {
            let schedules = state.schedules.values();
            schedules
                .filter(|schedule| schedule.id.0.starts_with(prefix))
                .cloned()
                .collect()
        }))
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        Ok(self.store.change(|state, _| remove(state, id).is_some()))
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        Ok(self.store.change(|state, now| {
            let Some(mut schedule) = remove(state, id) else {
                return false;
            };
            schedule.due = due;
            let number = state.number();
            state.schedules.insert((due, number), schedule);
            state.advance(now);
            true
        }))
    }
}

fn remove(state: &mut State, id: &ScheduleId) -> Option<Schedule> {
    let mut schedules = state.schedules.iter();
    let (place, _) = schedules.find(|(_, schedule)| schedule.id == *id)?;
    let place = *place;
    state.schedules.remove(&place)
}

/// What was pending when the scan began.
struct Scan(vec::IntoIter<Schedule>);

#[async_trait]
impl ScheduleScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        Ok(self.0.by_ref().take(max.max(1)).collect())
    }
}
