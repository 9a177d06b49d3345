//! `pf dlq capture`: turns messages that other consumers gave up on into dead letters.

use clap::Args;
use protoflow::{
    runtime::Masks,
    transport::{Capture, Captured},
};
use tokio_util::sync::CancellationToken;

use super::{exchange::mask, job::count, list::line, operator};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Dead letters per page.
const PAGE: usize = 500;

/// Turn messages that other consumers gave up on into dead letters
///
/// A broker with a delivery limit drops a message after its last delivery and only publishes an advisory. From the first
/// run on these advisories are stored; while this runs, each becomes a dead letter of its group.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq capture
  pf dlq capture --until-end && pf dlq list --group consumer_order

Exit codes: 0 all captured, 4 some messages were gone already, 5 the transport has no such advisories.")]
pub struct CaptureArgs {
    /// End after the messages given up so far
    #[arg(long)]
    until_end: bool,
}

#[derive(Default)]
struct Counts {
    letters: usize,
    gone: usize,
}

impl CaptureArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let (transport, triage) = operator::open(context).await?;
        let mut capture = transport.dead_letters().capture(self.until_end).await?;
        let masks = mask::of_policy(&triage).await?;
        let remarks = context.printer.remarks();
        for made in capture.remarks() {
            remarks.remark(&made);
        }
        let drain = context.signals()?.stop.drain.clone();
        let counts = follow(capture.as_mut(), masks.as_ref(), context, drain).await?;
        remarks.remark(&format!("captured {}", count(counts.letters as u64)));
        let exit = match counts {
            Counts { gone: 0, .. } => return Ok(()),
            Counts { letters: 0, .. } => Exit::Failed,
            Counts { .. } => Exit::Partly,
        };
        let text = match counts.gone {
            1 => "1 message was gone before it could be captured".to_owned(),
            gone => format!("{gone} messages were gone before they could be captured"),
        };
        Err(CliError::message(exit, text))
    }
}

/// Captures until the end, or until a signal arrives.
async fn follow(
    capture: &mut dyn Capture,
    masks: Option<&Masks>,
    context: &mut Context,
    drain: CancellationToken,
) -> CliResult<Counts> {
    let mut counts = Counts::default();
    loop {
        let page = tokio::select! {
            page = capture.next(PAGE) => page?,
            () = drain.cancelled() => return Ok(counts),
        };
        if page.is_empty() {
            return Ok(counts);
        }
        for captured in page {
            match captured {
                Captured::Letter(letter) => {
                    counts.letters += 1;
                    let letter = match masks {
                        Some(masks) => masks.apply(&letter),
                        None => *letter,
                    };
                    context.printer.item(&letter, line)?;
                }
                Captured::Gone { group, position } => {
                    counts.gone += 1;
                    let text = format!("{group} gave up message {position}, which is gone");
                    context.printer.remarks().warning(&text);
                }
            }
        }
        context.printer.flush()?;
    }
}
