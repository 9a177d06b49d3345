//! Whether a command works, as an orchestrator asks: is it alive, and is it ready.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// How often the command's thread shows that it goes on.
const BEAT: Duration = Duration::from_secs(1);
/// How long it may be silent.
const SILENCE: u64 = 30;

/// The state of health of a command.
#[derive(Debug)]
pub struct Health {
    began: Instant,
    /// Seconds from the beginning to the last sign of life.
    seen: AtomicU64,
    /// The command takes work: it has joined its group or leads an outbox, or waits to.
    works: AtomicBool,
    /// The store answered when it was asked last.
    answers: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            seen: AtomicU64::new(0),
            works: AtomicBool::new(false),
            answers: AtomicBool::new(true),
        }
    }
}

impl Health {
    /// Notes whether the command takes work.
    pub fn set_working(&self, works: bool) {
        self.works.store(works, Ordering::Relaxed);
    }

    /// Notes whether the store answers.
    pub fn set_answering(&self, answers: bool) {
        self.answers.store(answers, Ordering::Relaxed);
    }

    /// Reports whether the command can do work now.
    pub fn is_ready(&self) -> bool {
        self.works.load(Ordering::Relaxed) && self.answers.load(Ordering::Relaxed) && self.is_live()
    }

    /// Reports whether the command's thread goes on; otherwise only a restart helps.
    pub fn is_live(&self) -> bool {
        let silent = self.began.elapsed().as_secs();
        silent.saturating_sub(self.seen.load(Ordering::Relaxed)) <= SILENCE
    }

    /// Shows, on the thread that polls it, that the thread goes on.
    pub async fn beat(self: Arc<Self>) {
        loop {
            let now = self.began.elapsed().as_secs();
            self.seen.store(now, Ordering::Relaxed);
            sleep(BEAT).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_who_works_and_whose_store_answers() {
        let health = Health::default();
        assert!(health.is_live() && !health.is_ready());
        health.set_working(true);
        assert!(health.is_ready());
        health.set_answering(false);
        assert!(health.is_live() && !health.is_ready());
    }
}
