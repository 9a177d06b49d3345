//! Faults in reading without a group.

use async_trait::async_trait;

use super::{Fault, Faulty, key::restore_key};
use crate::{
    event::Stored,
    transport::{Result, Tail, TailRequest},
};

/// A tail that may skip or repeat.
#[derive(Debug)]
pub(super) struct FaultyTail {
    faulty: Faulty,
    inner: Option<Box<dyn Tail>>,
    request: TailRequest,
    /// A read is under way, or was dropped.
    reading: bool,
}

impl FaultyTail {
    pub(super) fn new(faulty: Faulty, inner: Option<Box<dyn Tail>>, request: TailRequest) -> Self {
        Self {
            faulty,
            inner,
            request,
            reading: false,
        }
    }

    async fn inner(&mut self) -> Result<&mut Box<dyn Tail>> {
        let tail = match self.inner.take() {
            Some(tail) => tail,
            None => self.faulty.inner.tail(self.request.clone()).await?,
        };
        Ok(self.inner.insert(tail))
    }
}

#[async_trait]
impl Tail for FaultyTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let skip = self.faulty.has(Fault::DropsLose) && self.reading;
        self.reading = true;
        if skip {
            self.inner().await?.next(1).await?;
        }
        let mut read = self.inner().await?.next(max).await?;
        self.reading = false;
        if self.faulty.has(Fault::SharesKeys) {
            for stored in &mut read {
                restore_key(&mut stored.message);
            }
        }
        if self.faulty.has(Fault::RepeatsMatches) && self.request.patterns.len() > 1 {
            read = read
                .into_iter()
                .flat_map(|stored| [stored.clone(), stored])
                .collect();
        }
        Ok(read)
    }

    async fn until_end(&mut self) -> Result<()> {
        self.inner().await?.until_end().await
    }
}
