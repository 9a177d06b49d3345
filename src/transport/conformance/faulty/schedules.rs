//! Faults of schedules.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Fault, Faulty};
use crate::transport::{Result, Schedule, ScheduleId, ScheduleScan, Schedules};

#[async_trait]
impl Schedules for Faulty {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        match self.fault {
            Fault::HidesSchedules => Ok(Box::new(Nothing)),
            _ => self.inner.schedules().scan().await,
        }
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        let mut found = self.inner.schedules().find(prefix).await?;
        if self.has(Fault::FindsInReverse) {
            found.reverse();
        }
        Ok(found)
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        match self.fault {
            Fault::CancelsNot => Ok(true),
            _ => self.inner.schedules().cancel(id).await,
        }
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        match self.fault {
            Fault::ReschedulesNot => Ok(true),
            _ => self.inner.schedules().reschedule(id, due).await,
        }
    }

    async fn run(&self) -> Result<()> {
        self.inner.schedules().run().await
    }
}

struct Nothing;

#[async_trait]
impl ScheduleScan for Nothing {
    async fn next(&mut self, _: usize) -> Result<Vec<Schedule>> {
        Ok(Vec::new())
    }
}
