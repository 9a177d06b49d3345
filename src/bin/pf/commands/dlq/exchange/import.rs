//! `pf dlq import`: reads an export, checks all of it, and stores what is new.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek as _, Write},
};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    runtime::{Exported, LogEntry, Triage, read_exported},
    transport::{Capabilities, DeadLetter, DeadLetterId, Transport},
};
use serde::Serialize;

use crate::{
    commands::dlq::{
        job::count,
        operator::{self, Because},
    },
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
    stdio::Stdin,
};

/// Dead letters in one call.
const BATCH: usize = 200;
/// Refused dead letters that are listed.
const LISTED: u64 = 10;

/// Store exported dead letters, each unless its id exists
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq import dead-letters.ndjson
  pf dlq export --all --url kafka://old | pf dlq import - --url nats://new/ORDERS
  pf dlq import dead-letters.ndjson --dry-run

All lines are checked before the first is stored. Importing a file again adds nothing.")]
pub struct ImportArgs {
    /// The export; `-` is stdin
    file: String,
    /// Check the lines, and whether the store can hold them, without storing any
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Create the store if it does not exist
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    because: Because,
}

impl ImportArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let mut input = open(&self.file)?;
        let options = OpenOptions {
            create: !self.dry_run && self.create,
            ..OpenOptions::default()
        };
        let (transport, triage) = operator::open_with(options, context).await?;
        triage
            .guard()
            .await
            .and_then(|guard| guard.check_writable())
            .map_err(CliError::from)?;
        let capabilities = transport.capabilities().await?;
        // The client of NATS keeps headers in a map.
        let keeps_header_order = transport.scheme() != "nats";
        let checked = check(&mut input, &capabilities, keeps_header_order, context)?;
        if self.dry_run {
            return context.printer.report(&Imported {
                new: 0,
                known: 0,
                failed: 0,
                checked,
            });
        }
        input.rewind()?;
        let imported = import(&mut input, &*transport, checked, context).await?;
        note(
            &triage,
            &imported,
            self.because.because,
            &self.file,
            context,
        )
        .await;
        context.printer.report(&imported)?;
        if imported.failed > 0 {
            let exit = if imported.new + imported.known > 0 {
                Exit::Partly
            } else {
                Exit::Failed
            };
            let text = format!("{} could not be stored", count(imported.failed));
            return Err(
                CliError::message(exit, text).hint("import the file again to store the rest")
            );
        }
        Ok(())
    }
}

async fn note(
    triage: &Triage,
    imported: &Imported,
    because: Option<String>,
    file: &str,
    context: &Context,
) {
    if imported.new > 0 {
        let entry = LogEntry {
            selection: file.to_owned(),
            because,
            ..LogEntry::new(operator::who(), "import")
        };
        operator::log(triage, &entry, context).await;
    }
}

/// Opens a file; stdin is copied to one first, so that it can be checked before anything is stored.
fn open(file: &str) -> CliResult<BufReader<File>> {
    let opened = if file == "-" {
        tempfile::tempfile().and_then(|mut copy| {
            io::copy(&mut Stdin, &mut copy)?;
            copy.rewind()?;
            Ok(copy)
        })
    } else {
        File::open(file)
    };
    let opened =
        opened.map_err(|error| CliError::from(error).during(format!("cannot read `{file}`")))?;
    Ok(BufReader::new(opened))
}

/// Reads all lines; fails if one cannot be imported, or the last one is missing.
fn check(
    input: &mut BufReader<File>,
    capabilities: &Capabilities,
    keeps_header_order: bool,
    context: &Context,
) -> CliResult<u64> {
    let (mut letters, mut ended) = (0, None);
    let mut order_is_lost = 0_u64;
    each_line(input, |number, line| {
        if ended.is_some() {
            return Err(wrong(number, "it comes behind the end of the export"));
        }
        match read_exported(line).map_err(|error| wrong(number, error))? {
            Exported::End(count) => ended = Some(count),
            Exported::DeadLetter(letter) => {
                letters += 1;
                let size = letter
                    .message
                    .payload
                    .as_ref()
                    .map_or(0, |payload| payload.len() as u64);
                if capabilities
                    .limits
                    .max_payload
                    .is_some_and(|most| size > most)
                {
                    let text = format!(
                        "the payload of {} has {size} bytes, more than this store takes",
                        letter.id
                    );
                    return Err(wrong(number, text));
                }
                order_is_lost += u64::from(mixes_headers(&letter));
            }
        }
        Ok(())
    })?;
    match ended {
        Some(count) if count == letters => {}
        Some(count) => {
            let text =
                format!("the export says that it has {count} dead letters, and has {letters}");
            return Err(
                CliError::message(Exit::Failed, text).hint("nothing was imported; export again")
            );
        }
        None => {
            let text = format!(
                "the export is cut off: its last line is missing, behind {letters} dead letters"
            );
            return Err(
                CliError::message(Exit::Failed, text).hint("nothing was imported; export again")
            );
        }
    }
    if order_is_lost > 0 && !keeps_header_order {
        context.printer.remarks().warning(&format!(
            "this store does not keep the order of headers with different names: {} have several",
            count(order_is_lost)
        ));
    }
    Ok(letters)
}

/// Reports whether headers of different names have an order.
fn mixes_headers(letter: &DeadLetter) -> bool {
    let mut names = letter.message.headers.iter().map(|(name, _)| name);
    let first = names.next();
    names.any(|name| Some(name) != first)
}

fn wrong(number: u64, reason: impl std::fmt::Display) -> CliError {
    CliError::message(Exit::Failed, format!("line {number}: {reason}")).hint("nothing was imported")
}

fn each_line(
    input: &mut BufReader<File>,
    mut act: impl FnMut(u64, &str) -> CliResult<()>,
) -> CliResult<()> {
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            break;
        }
        if !line.trim().is_empty() {
            act(number, &line)?;
        }
    }
    Ok(())
}

async fn import(
    input: &mut BufReader<File>,
    transport: &dyn Transport,
    checked: u64,
    context: &Context,
) -> CliResult<Imported> {
    let mut imported = Imported {
        new: 0,
        known: 0,
        failed: 0,
        checked,
    };
    let mut line = String::new();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                break;
            }
            // Each line was checked.
            if let Ok(Exported::DeadLetter(letter)) = read_exported(&line) {
                batch.push(*letter);
            }
        }
        if batch.is_empty() {
            return Ok(imported);
        }
        let ids: Vec<_> = batch.iter().map(|letter| letter.id.clone()).collect();
        let stored = transport.dead_letters().import(batch).await;
        for (id, stored) in ids.iter().zip(stored) {
            imported.add(id, stored, context);
        }
    }
}

#[derive(Serialize)]
struct Imported {
    new: u64,
    known: u64,
    failed: u64,
    checked: u64,
}

impl Imported {
    fn add(
        &mut self,
        id: &DeadLetterId,
        stored: protoflow::transport::Result<bool>,
        context: &Context,
    ) {
        match stored {
            Ok(true) => self.new += 1,
            Ok(false) => self.known += 1,
            Err(error) => {
                self.failed += 1;
                if self.failed <= LISTED {
                    context.printer.remarks().failure(&format!("{id}: {error}"));
                }
            }
        }
    }
}

impl Report for Imported {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        if self.new + self.known + self.failed == 0 {
            return writeln!(
                out,
                "{} {}",
                paint(Paint::Good, "checked"),
                count(self.checked)
            );
        }
        write!(
            out,
            "{} {}",
            paint(Paint::Good, "imported"),
            count(self.new)
        )?;
        for (name, count) in [("already there", self.known), ("failed", self.failed)] {
            if count > 0 {
                write!(out, ", {count} {name}")?;
            }
        }
        writeln!(out)
    }
}
