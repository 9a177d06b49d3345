//! `pf dlq capture`: what consumers of other programs gave up becomes dead letters.

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    transport::{Capture, Captured},
};
use tokio_util::sync::CancellationToken;

use super::{
    job::count,
    list::{line, show},
};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Letters made at a time.
const PAGE: usize = 500;

/// Make dead letters of what consumers of other programs gave up
///
/// A broker that limits deliveries drops a message after the last one and only tells that it did. From the first run
/// on these notices are kept; while this runs, each becomes a dead letter of the group that gave up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq capture
  pf dlq capture --until-end && pf dlq list --group consumer_order

Exit codes: 0 all kept, 4 some messages were gone already, 5 the transport tells of no such thing.")]
pub struct CaptureArgs {
    /// End after what was given up until now
    #[arg(long)]
    until_end: bool,
}

#[derive(Default)]
struct Tally {
    letters: usize,
    gone: usize,
}

impl CaptureArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let transport = context.open(OpenOptions::default()).await?;
        let mut capture = transport.dead_letters().capture(self.until_end).await?;
        let remarks = context.printer.remarks();
        for made in capture.remarks() {
            remarks.remark(&made);
        }
        let drain = context.signals()?.stop.drain.clone();
        let tally = follow(capture.as_mut(), context, drain).await?;
        remarks.remark(&format!("captured {}", count(tally.letters as u64)));
        let exit = match tally {
            Tally { gone: 0, .. } => return Ok(()),
            Tally { letters: 0, .. } => Exit::Failed,
            Tally { .. } => Exit::Partly,
        };
        let text = match tally.gone {
            1 => "1 message was gone before it could be kept".to_owned(),
            gone => format!("{gone} messages were gone before they could be kept"),
        };
        Err(CliError::message(exit, text))
    }
}

/// Keeps what is given up until the end, or until a signal comes.
async fn follow(
    capture: &mut dyn Capture,
    context: &mut Context,
    drain: CancellationToken,
) -> CliResult<Tally> {
    let mut tally = Tally::default();
    loop {
        let page = tokio::select! {
            page = capture.next(PAGE) => page?,
            () = drain.cancelled() => return Ok(tally),
        };
        if page.is_empty() {
            return Ok(tally);
        }
        for captured in page {
            match captured {
                Captured::Letter(letter) => {
                    tally.letters += 1;
                    show(&mut context.printer, &letter, line)?;
                }
                Captured::Gone { group, position } => {
                    tally.gone += 1;
                    let text = format!("{group} gave up message {position}, which is gone");
                    context.printer.remarks().warning(&text);
                }
            }
        }
        context.printer.flush()?;
    }
}
