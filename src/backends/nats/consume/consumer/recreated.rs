//! A stream or a consumer whose name means another thing now: deleted, and created again, while a group reads.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        connection::stream::info::Facts,
        consume::{
            consumer::{
                durable::{self as consumer, Durable},
                watch::{Seen, Watch},
            },
            pull_loop::Pump,
            until_end::Bounds,
        },
        error::error,
        read::{
            gap::{counted, gap},
            stream_watch::wait,
        },
    },
    transport::{ErrorKind, Result, StartFrom, SubscribeRequest},
};

/// How long a consumer that was deleted may take to be created again.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two looks for it.
const PAUSE: Duration = Duration::from_millis(100);

impl Pump {
    /// Goes on with what is there now; nothing of it is passed over.
    pub(crate) async fn begin_anew(&mut self, seen: Seen) -> Result<()> {
        match seen {
            Seen::Same(..) => Ok(()),
            Seen::NoConsumer => {
                let durable = self.wait_for_consumer().await?;
                let facts = self.shared.link.facts().await?;
                self.other_consumer(&durable, &facts).await
            }
            Seen::OtherConsumer(durable, facts) => self.other_consumer(&durable, &facts).await,
            Seen::NoStream => {
                let link = &self.shared.link;
                let is_wanted = || !self.shared.desk().closed;
                let facts = wait(link, &link.names.stream, is_wanted).await?;
                self.other_stream(facts).await
            }
            Seen::OtherStream(facts) => self.other_stream(*facts).await,
        }
    }

    /// Waits a moment for somebody who creates the consumer again.
    async fn wait_for_consumer(&self) -> Result<Durable> {
        let (link, name) = (&self.shared.link, &self.watch.consumer);
        let until = Instant::now() + PATIENCE;
        loop {
            match consumer::find(link, name).await {
                Ok(Some(durable)) => return Ok(durable),
                Ok(None) if Instant::now() >= until || self.shared.desk().closed => {
                    let message = format!("the consumer `{name}` was deleted");
                    let hint =
                        "started again, the group reads from the earliest event that is kept";
                    return Err(error(ErrorKind::NotFound, message).hint(hint));
                }
                Err(failed) if !failed.is_transient() => return Err(failed),
                Ok(None) | Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn other_consumer(&mut self, durable: &Durable, facts: &Facts) -> Result<()> {
        let link = &self.shared.link;
        let request = self.watch.request.clone();
        consumer::check(durable, &link.names.stream, &request)?;
        let message = format!(
            "the consumer `{}` was deleted and created again: it begins behind message {}",
            durable.name,
            durable.delivered()
        );
        self.shared.say([error(ErrorKind::Warning, message)]);
        self.watch = Watch::begin(link, request, (facts, durable)).await?;
        self.pull.limits = durable.config.limits;
        self.pull.reset().await
    }

    async fn other_stream(&mut self, facts: Facts) -> Result<()> {
        let (shared, link) = (&self.shared, &self.shared.link);
        let stream = &link.names.stream;
        let unread = self.watch.mark.pending.saturating_sub(self.watch.own.count);
        let unread = unread + shared.desk().forget_all();
        let text = format!("the stream `{stream}` was deleted and created again");
        shared.say([if unread > 0 {
            let lost = counted(unread);
            gap(format!("{text}: {lost} of the old one were not read"))
        } else {
            let group = &shared.group;
            error(
                ErrorKind::Warning,
                format!("{text}: group `{group}` reads it from the beginning"),
            )
        }]);
        link.make_side_places(facts.config.num_replicas).await?;
        link.forget_all_runs(&shared.consumer).await?;
        let request = SubscribeRequest {
            from: StartFrom::Earliest,
            ..self.watch.request.clone()
        };
        let filters = self.watch.filters();
        let (name, again) = (self.watch.consumer.clone(), filters.as_slice());
        let (durable, _) = consumer::make(link, &facts, &request, (&name, again)).await?;
        shared.read_from(facts.store());
        self.watch = Watch::begin(link, request, (&facts, &durable)).await?;
        if self.bounds.is_some() {
            self.bounds = Some(Bounds::new(&durable, &facts));
        }
        self.pull.limits = durable.config.limits;
        self.pull.reset().await
    }
}
