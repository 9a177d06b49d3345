//! `pf dlq fixed`: calls a failure fixed, so that its return is noticed.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use clap::Args;
use protoflow::{
    runtime::{Fix, LogEntry, Triage},
    transport::Fingerprint,
};
use serde::Serialize;

use crate::{
    commands::dlq::operator,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Painter, Report, to_the_second},
};

/// Call a failure fixed; the first new dead letter of it is marked as a regression
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq fixed 1:9f3c2a71 --in v42 --note 'null amounts are refused earlier'
  pf dlq fixed
  pf dlq check --no-regressions")]
pub struct FixedArgs {
    /// The fingerprint, or its beginning, as shown by `pf dlq stats`; without it, what is fixed is listed
    #[arg(requires = "version")]
    fingerprint: Option<String>,
    /// The version of the handler that fixes it
    #[arg(
        long = "in",
        value_name = "VERSION",
        id = "version",
        requires = "fingerprint"
    )]
    version: Option<String>,
    /// A remark for those who see it come back
    #[arg(long, value_name = "TEXT", requires = "fingerprint")]
    note: Option<String>,
}

impl FixedArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let (_, triage) = operator::open(context).await?;
        let (Some(text), Some(version)) = (self.fingerprint, self.version) else {
            for fix in triage.fixes().await? {
                context.printer.report(&View(fix))?;
            }
            return Ok(());
        };
        let fix = Fix {
            fingerprint: find(&triage, &text).await?,
            version,
            note: self.note,
            who: operator::who(),
            time: SystemTime::now(),
        };
        let guard = triage.guard().await.map_err(CliError::from)?;
        guard.check_writable().map_err(CliError::from)?;
        let entry = LogEntry {
            selection: format!("{} --in {}", fix.fingerprint.0, fix.version),
            because: fix.note.clone(),
            ..LogEntry::new(operator::who(), "fixed")
        };
        let ended = |(): &(), entry| Some(entry);
        operator::noted(&triage, entry, triage.fix(&fix), ended, context).await?;
        context.printer.report(&View(fix))
    }
}

/// Returns the fingerprint of dead letters that begins with the text.
async fn find(triage: &Triage, text: &str) -> CliResult<Fingerprint> {
    let counts = triage
        .stats(protoflow::transport::Selection::default())
        .await?;
    let rows = counts.rows.into_iter().map(|row| row.fingerprint);
    let mut found: Vec<_> = rows
        .filter(|fingerprint| fingerprint.begins_with(text))
        .collect();
    found.sort();
    found.dedup();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(CliError::message(
            Exit::Failed,
            format!("no dead letter has the fingerprint `{text}`"),
        )
        .hint("`pf dlq stats` shows the fingerprints")),
        count => Err(CliError::message(
            Exit::Failed,
            format!("`{text}` is the beginning of {count} fingerprints"),
        )
        .hint("give more characters of it")),
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct View(Fix);

impl Report for View {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        let fix = &self.0;
        let time = to_the_second(fix.time);
        write!(
            out,
            "{}  fixed in {}  {time}  {}",
            fix.fingerprint.0, fix.version, fix.who
        )?;
        match &fix.note {
            Some(note) => writeln!(out, "  {note}"),
            None => writeln!(out),
        }
    }
}
