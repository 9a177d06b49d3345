//! What a membership finds wrong while it runs: requests that are refused, retries that cannot come, and records that
//! cannot be removed.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    backends::nats::{
        consume::{consumer::watch as look, pull_loop::Pump, until_end::LATE},
        error::error,
    },
    transport::{ErrorKind, Result},
};

/// The pause after a request that was refused, and the longest one.
const PAUSE: Duration = Duration::from_millis(250);
const LONG_PAUSE: Duration = Duration::from_secs(5);

impl Pump {
    /// Looks why a request was refused, and asks less and less often.
    pub(crate) async fn refuse(&mut self, text: &str) -> Result<()> {
        self.watch.rest();
        self.refused = self.refused.saturating_add(1);
        self.look().await?;
        if self.refused == 2 {
            let message = format!(
                "the server refuses requests of the consumer `{}`: {text}",
                self.watch.consumer
            );
            self.shared.say([error(ErrorKind::Warning, message)]);
        }
        let pause = PAUSE
            .saturating_mul(1 << self.refused.min(8))
            .min(LONG_PAUSE);
        self.not_before = Instant::now() + pause;
        if let Some(bounds) = &mut self.bounds {
            bounds.wait(pause);
        }
        Ok(())
    }

    /// Reports retries that cannot come again because their messages are gone.
    pub(crate) async fn check_retries(&mut self) -> Result<()> {
        let overdue = self.shared.desk().late_retries(LATE);
        if overdue.is_empty() {
            return Ok(());
        }
        let (link, consumer) = (&self.shared.link, &self.shared.consumer);
        let facts = link.facts().await?;
        let gone = link.gone(&facts, overdue.clone()).await?;
        for number in &gone {
            link.forget_runs(consumer, *number).await;
        }
        self.shared.desk().give_up_retries(&overdue);
        self.shared.say(look::retries_lost(link, &gone));
        Ok(())
    }

    /// Says once that what is known of runs cannot be removed: nobody waits for an answer to that.
    pub(crate) fn check_denied(&mut self) {
        let link = &self.shared.link;
        let purge = format!("$JS.API.STREAM.PURGE.{}", link.names.side());
        if let Some(denied) = link.denials.of(&purge, self.begun)
            && !std::mem::replace(&mut self.said_denied, true)
        {
            let message = format!("records of failed runs stay until they expire ({denied})");
            self.shared.say([error(ErrorKind::Warning, message)]);
        }
    }
}
