//! What waits for its time.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{connection::Link, error, transport::Kafka};
use crate::{
    event::Message,
    transport::{ErrorKind, Receipt, Result, Schedule, ScheduleId, ScheduleScan, Schedules},
};

pub(super) async fn enqueue(
    _link: &Arc<Link>,
    batch: Vec<(Message, SystemTime)>,
) -> Vec<Result<Receipt>> {
    let refused = |_| Err(error(ErrorKind::Unsupported, "not there yet"));
    batch.iter().map(refused).collect()
}

pub(super) async fn fire_for_ever(_link: std::sync::Arc<super::connection::Link>) -> Result<()> {
    std::future::pending().await
}

#[async_trait]
impl Schedules for Kafka {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        Err(error(ErrorKind::Unsupported, "not there yet"))
    }

    async fn find(&self, _prefix: &str) -> Result<Vec<Schedule>> {
        Err(error(ErrorKind::Unsupported, "not there yet"))
    }

    async fn cancel(&self, _id: &ScheduleId) -> Result<bool> {
        Err(error(ErrorKind::Unsupported, "not there yet"))
    }

    async fn reschedule(&self, _id: &ScheduleId, _due: SystemTime) -> Result<bool> {
        Err(error(ErrorKind::Unsupported, "not there yet"))
    }
}
