//! Steps of the demo: publish, consume, find a dead letter, replay; each prints what happens.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use cloudevents::AttributesReader as _;
use protoflow::{
    Event, RetryPolicy,
    event::{Group, Pattern, Topic, encode},
    runtime::{
        ConsumeOptions, Consumer, End, IntoHandler, JobOptions, Notice, Observer, PlanRequest,
        Summary, Triage,
    },
    transport::{
        DeadLetter, DeadLetterRef, JobAction, Outgoing, Receipt, Selection, SubscribeRequest,
        Transport,
    },
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    error::{CliError, CliResult, Exit},
    output::Printer,
    signals::Signals,
};

/// Time limit of a step.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// The store and output of the demo.
pub struct Stage<'a> {
    printer: &'a mut Printer,
    transport: Arc<dyn Transport>,
    signals: Signals,
    prefix: &'static str,
}

impl<'a> Stage<'a> {
    /// Prepares the demo; every topic and group starts with `prefix`.
    pub fn new(
        printer: &'a mut Printer,
        transport: Arc<dyn Transport>,
        signals: Signals,
        prefix: &'static str,
    ) -> Self {
        Self {
            printer,
            transport,
            signals,
            prefix,
        }
    }

    /// Prints a line.
    pub fn print(&mut self, text: &str) -> CliResult<()> {
        self.printer.raw(text.as_bytes())?;
        self.printer.raw(b"\n")?;
        Ok(self.printer.flush()?)
    }

    /// Prints the title of a scene.
    pub fn scene(&mut self, title: &str) -> CliResult<()> {
        self.print(&format!("\n{title}"))
    }

    /// Prints the command that would do the next step.
    pub fn command(&mut self, command: &str) -> CliResult<()> {
        self.print(&format!("  $ pf {command}"))
    }

    /// Returns a topic with the prefix.
    pub fn topic(&self, name: &str) -> CliResult<Topic> {
        Ok(format!("{}{name}", self.prefix).parse()?)
    }

    /// Returns a group with the prefix.
    pub fn group(&self, name: &str) -> CliResult<Group> {
        Ok(format!("{}{name}", self.prefix.replace('.', "-")).parse()?)
    }

    /// Creates a topic, and has a group skip what an earlier demo left there.
    pub async fn clear(&mut self, topic: &Topic, group: &Group) -> CliResult<()> {
        self.transport.create(topic).await?;
        let mut options = options(topic, group);
        options.request.until_end = true;
        let skip = |_: Event| async { Ok(()) };
        let handler = skip.into_handler(self.transport.encoding());
        let transport = Arc::clone(&self.transport);
        let consumer = Consumer::new(transport, options, handler, Arc::new(()));
        consumer.run(self.signals.stop.clone()).await?;
        Ok(())
    }

    /// Publishes an event, with an optional delay.
    pub async fn publish(&mut self, event: &Event, delay: Option<Duration>) -> CliResult<Receipt> {
        let topic: Topic = event.ty().parse()?;
        let outgoing = Outgoing {
            message: encode(event, topic, self.transport.encoding())?,
            due: delay.map(|delay| SystemTime::now() + delay),
            dedup: false,
        };
        let mut results = self.transport.publish(vec![outgoing]).await;
        match results.pop() {
            Some(result) => Ok(result?),
            None => Err(CliError::message(
                Exit::Failed,
                "the transport returned no result",
            )),
        }
    }

    /// Has a service handle the next event of a group until it is settled, and prints each step.
    pub async fn handle<By>(
        &mut self,
        topic: &Topic,
        group: &Group,
        service: impl IntoHandler<By>,
    ) -> CliResult<Summary> {
        let mut options = options(topic, group);
        options.count = Some(1);
        let (sender, mut lines) = unbounded_channel();
        let handler = service.into_handler(self.transport.encoding());
        let transport = Arc::clone(&self.transport);
        let consumer = Consumer::new(transport, options, handler, Arc::new(Teller(sender)));
        let mut run = std::pin::pin!(consumer.run(self.signals.stop.clone()));
        let summary = loop {
            tokio::select! {
                biased;
                Some(line) = lines.recv() => self.print(&line)?,
                summary = &mut run => break summary?,
            }
        };
        while let Ok(line) = lines.try_recv() {
            self.print(&line)?;
        }
        match summary.end {
            Some(End::Counted) => Ok(summary),
            Some(End::Drained | End::Aborted) => {
                Err(self.signals.interrupted("the demo was stopped"))
            }
            _ => Err(CliError::message(
                Exit::Failed,
                "an event of the demo was not delivered",
            )),
        }
    }

    /// Returns the dead letter of an event.
    pub async fn letter(&self, group: &Group, event: &Event) -> CliResult<DeadLetter> {
        let selection = Selection {
            group: Some(group.clone()),
            ..Selection::default()
        };
        let mut letters = Triage::new(Arc::clone(&self.transport))
            .list(selection)
            .await?;
        loop {
            let page = letters.next(100).await?;
            if page.is_empty() {
                return Err(CliError::message(
                    Exit::Failed,
                    "the dead letter was not found",
                ));
            }
            let id = Some(event.id());
            let found = page
                .into_iter()
                .find(|letter| letter.record.event_id.as_deref() == id);
            if let Some(letter) = found {
                return Ok(letter);
            }
        }
    }

    /// Replays one dead letter.
    pub async fn replay(&self, letter: &DeadLetter) -> CliResult<u64> {
        let triage = Triage::new(Arc::clone(&self.transport));
        let selection = Selection {
            ids: vec![DeadLetterRef(letter.id.to_string())],
            ..Selection::default()
        };
        let request = PlanRequest::new(JobAction::Replay { to: None }, selection);
        let plan = triage.plan(request).await?;
        let options = JobOptions {
            holder: "pf demo".to_owned(),
            rate: None,
            ..JobOptions::default()
        };
        let stop = &self.signals.stop;
        let report = triage.run(&plan, &options, stop, &mut |_| {}).await?;
        Ok(report.done)
    }
}

/// Turns notices about events into lines.
struct Teller(UnboundedSender<String>);

impl Observer for Teller {
    fn notice(&self, notice: Notice<'_>) {
        let line = match notice {
            Notice::Acked(delivery) => {
                format!("  attempt {}: done", delivery.attempts.attempt())
            }
            Notice::Retrying(delivery, after, failure) => format!(
                "  attempt {}: {}; retry in {} ms",
                delivery.attempts.attempt(),
                failure.message,
                after.as_millis()
            ),
            Notice::DeadLettered(delivery, _, failure) => format!(
                "  attempt {}: {}; dead-lettered",
                delivery.attempts.attempt(),
                failure.message
            ),
            _ => return,
        };
        // The receiver is gone once the step has ended.
        let _ = self.0.send(line);
    }
}

fn options(topic: &Topic, group: &Group) -> ConsumeOptions {
    let pattern = Pattern::from(topic.clone());
    let request = SubscribeRequest::new(group.clone(), vec![pattern]);
    ConsumeOptions {
        policy: RetryPolicy {
            base: Duration::from_millis(400),
            jitter: false,
            ..RetryPolicy::default()
        },
        timeout: Some(STEP_TIMEOUT),
        ..ConsumeOptions::new(request)
    }
}
