//! Dead letters.

use async_trait::async_trait;

use super::{error, transport::Kafka};
use crate::transport::{
    DeadLetter, DeadLetters, ErrorKind, Job, JobAction, JobId, JobLease, LetterId, LetterScan,
    Resolution, Result, Selection, Stats, TransportError,
};

fn missing() -> TransportError {
    error(ErrorKind::Unsupported, "not there yet")
}

#[async_trait]
impl DeadLetters for Kafka {
    async fn scan(&self, _selection: &Selection) -> Result<Box<dyn LetterScan>> {
        Err(missing())
    }

    async fn stats(&self, _selection: &Selection) -> Result<Stats> {
        Err(missing())
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        letters.iter().map(|_| Err(missing())).collect()
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        Err(missing())
    }

    async fn plan(&self, _action: JobAction, _selection: &str) -> Result<JobId> {
        Err(missing())
    }

    async fn enlist(&self, _job: &JobId, _letters: &[DeadLetter]) -> Result<()> {
        Err(missing())
    }

    async fn forget(&self, _job: &JobId) -> Result<()> {
        Err(missing())
    }

    async fn lease(&self, _job: &JobId, _holder: &str) -> Result<JobLease> {
        Err(missing())
    }

    async fn renew(&self, _lease: &JobLease) -> Result<()> {
        Err(missing())
    }

    async fn advance(&self, _lease: &JobLease, _max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        Err(missing())
    }

    async fn release(&self, _lease: JobLease, _done: bool) -> Result<()> {
        Err(missing())
    }
}
