//! `pf outbox relay`: publishes the rows of an outbox.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    outbox::{Relay, RelayOptions, RelaySummary},
};
use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;

use super::{database, gauges, reporter::Reporter};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    metrics::MetricsArgs,
    output::{Painter, Report, counted},
    values::times,
};

/// Publish the rows of an outbox, in the order of each key
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox relay --from postgres://localhost/shop --to kafka://localhost:9092/
  pf outbox relay --from sqlite:app.db --to nats://localhost:4222/SHOP --park
  pf outbox relay --from postgres://localhost/shop --until-end -o json

Any number of relays may run: one leads, the others take over when it ends. Exactly once where
`pf caps` says so (`exactly-once-outbox`), at least once elsewhere.

Exit codes: 0 stopped, or nothing left; 4 rows were refused and hold up their keys.")]
pub struct RelayArgs {
    #[arg(
        help = "The database of the outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context's `outbox`]"
    )]
    #[arg(long, alias = "in", value_name = "URL")]
    from: Option<String>,
    /// The store to publish to, a URL or the name of a context [default: `--url` and its kin]
    #[arg(long, value_name = "URL|CONTEXT")]
    to: Option<String>,
    /// End when nothing is left to be published now
    #[arg(long)]
    until_end: bool,
    /// Keep published rows, marked as sent, for this long; without it they are deleted
    #[arg(long, value_parser = times::some_duration, value_name = "DURATION")]
    keep: Option<Duration>,
    /// Park a row that the target refuses for good, instead of holding up its key
    #[arg(long)]
    park: bool,
    /// Divide the outbox into N shards by key, each relayed by itself; the same for every relay
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=64))]
    shards: i32,
    /// How long a relay that died keeps its lease
    #[arg(long, value_parser = lease, value_name = "DURATION", default_value = "10s")]
    lease: Duration,
    /// Create missing topics and streams
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = times::duration(text)?;
    if lease < Duration::from_secs(1) {
        return Err("must be at least 1s".to_owned());
    }
    Ok(lease)
}

#[derive(Serialize)]
struct Relayed {
    sent: u64,
    refused: u64,
    parked: u64,
}

impl From<RelaySummary> for Relayed {
    fn from(summary: RelaySummary) -> Self {
        Self {
            sent: summary.sent,
            refused: summary.refused,
            parked: summary.parked,
        }
    }
}

impl Report for Relayed {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        write!(out, "published {}", counted(self.sent, "row", "rows"))?;
        if self.refused > 0 {
            write!(out, ", {} refused", self.refused)?;
        }
        if self.parked > 0 {
            write!(out, ", {} parked", self.parked)?;
        }
        writeln!(out)
    }
}

impl RelayArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if let Some(store) = &self.to {
            context.choose(store)?;
        }
        let metrics = self.metrics.start(&context.printer.remarks())?;
        let outbox = database::open(context, self.from.as_deref(), "--from")?;
        let options = OpenOptions {
            create: self.create,
            ..OpenOptions::default()
        };
        let transport = context.open(options).await?;
        let signals = context.signals()?;
        let reporter = Reporter::new(context.printer.remarks(), Arc::clone(&metrics.health));
        let reporter = Arc::new(reporter);
        let gauges = metrics
            .every
            .map(|every| gauges::show(outbox.clone(), every));
        let _showing = gauges.map(|showing| AbortOnDropHandle::new(tokio::spawn(showing)));
        let options = RelayOptions {
            holder: holder(),
            lease: self.lease,
            keep: self.keep,
            park: self.park,
            until_end: self.until_end,
            shards: self.shards,
            ..RelayOptions::default()
        };
        let relay = Relay::new(&outbox, &transport, options, reporter);
        let summary = tokio::select! {
            summary = relay.run(signals.stop.drain.clone()) => summary?,
            () = signals.stop.abort.cancelled() => return Err(signals.interrupted("interrupted")),
        };
        context.printer.report(&Relayed::from(summary))?;
        if summary.refused > 0 {
            let text = format!(
                "{} hold up their keys",
                counted(summary.refused, "refused row", "refused rows")
            );
            let text = text.replace(
                "refused row hold up their keys",
                "refused row holds up its key",
            );
            return Err(CliError::message(Exit::Partly, text)
                .hint("`pf outbox list` shows them; fix the cause, or `pf outbox park ID`"));
        }
        Ok(())
    }
}

/// Names this process, as in `host/4711`.
fn holder() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy().into_owned();
    format!("{host}/{}", std::process::id())
}
