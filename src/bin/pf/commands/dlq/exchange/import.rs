//! `pf dlq import`: reads an export, checks all of it, and stores what is new.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek as _, Write},
};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    runtime::{Exported, LogEntry, read_exported},
    transport::{DeadLetter, DeadLetterId, Limits, Transport},
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

/// Dead letters in one call, ...
const BATCH: usize = 200;
/// ... and the bytes of their lines, about.
const BATCH_BYTES: usize = 16 << 20;
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
    /// Import the rest if the store cannot hold some of them; exit 4
    #[arg(long)]
    skip_unfit: bool,
    /// Create the store if it does not exist
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    because: Because,
}

impl ImportArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let may_create = !self.create;
        Box::pin(self.import(context)).await.map_err(|error| {
            if may_create && error.is_not_found() {
                return error.hint_instead("check the name; `--create` creates the store");
            }
            error
        })
    }

    async fn import(self, context: &mut Context) -> CliResult<()> {
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
        let fit = Fit {
            transport: &*transport,
            limits: transport.capabilities().await?.limits,
        };
        let checked = check(&mut input, &fit, context)?;
        if checked.ordered > 0 && fit.limits.unordered_headers {
            context.printer.remarks().warning(&format!(
                "this store does not keep the order of headers with different names: it is lost for {}",
                count(checked.ordered)
            ));
        }
        if self.dry_run {
            let letters = checked.letters;
            context.printer.report(&Imported::of(letters))?;
        }
        if checked.unfit > 0 && (self.dry_run || !self.skip_unfit) {
            return Err(unfit(&checked, Exit::Failed)
                .hint("nothing was imported; import the others with `--skip-unfit`"));
        }
        if self.dry_run {
            return Ok(());
        }
        input.rewind()?;
        let entry = LogEntry {
            selection: self.file.clone(),
            because: self.because.because,
            ..LogEntry::new(operator::who(), "import")
        };
        let begun = operator::log_begin(&triage, &entry, context).await;
        let imported = import(&mut input, &fit, checked.letters, context).await?;
        let ended = Some(&entry).filter(|_| imported.new > 0);
        operator::log_end(&triage, begun, ended, context).await;
        context.printer.report(&imported)?;
        if imported.failed > 0 {
            return Err(not_stored(&imported));
        }
        if checked.unfit > 0 {
            return Err(unfit(&checked, Exit::Partly));
        }
        Ok(())
    }
}

fn not_stored(imported: &Imported) -> CliError {
    let exit = if imported.new + imported.known > 0 {
        Exit::Partly
    } else {
        Exit::Failed
    };
    let text = format!("{} could not be stored", count(imported.failed));
    CliError::message(exit, text).hint("import the file again to store the rest")
}

fn unfit(checked: &Checked, exit: Exit) -> CliError {
    let (unfit, all) = (checked.unfit, count(checked.letters));
    CliError::message(exit, format!("{unfit} of {all} do not fit in this store"))
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

/// What the lines of an export are.
#[derive(Default)]
struct Checked {
    letters: u64,
    /// Dead letters that the store cannot hold.
    unfit: u64,
    /// Those whose headers have an order that matters.
    ordered: u64,
}

/// Decides whether a store can hold a dead letter.
struct Fit<'a> {
    transport: &'a dyn Transport,
    limits: Limits,
}

impl Fit<'_> {
    /// Returns why the store cannot hold it.
    fn obstacle(&self, letter: &DeadLetter) -> Option<String> {
        let payload = letter.message.payload.as_ref();
        let size = payload.map_or(0, |payload| payload.len() as u64);
        if self.limits.max_payload.is_some_and(|most| size > most) {
            return Some(format!(
                "its payload has {size} bytes, more than this store takes"
            ));
        }
        let letters = self.transport.dead_letters();
        let refused = letters.check_import(letter, &self.limits).err()?;
        Some(refused.message().to_owned())
    }
}

/// Reads all lines and names what the store cannot hold; fails if a line is not one of an export, or the last one is missing.
fn check(input: &mut BufReader<File>, fit: &Fit<'_>, context: &Context) -> CliResult<Checked> {
    let (mut checked, mut ended) = (Checked::default(), None);
    each_line(input, |number, line| {
        if ended.is_some() {
            return Err(wrong(number, "it comes behind the end of the export"));
        }
        match read_exported(line).map_err(|error| wrong(number, error))? {
            Exported::End(count) => ended = Some(count),
            Exported::DeadLetter(letter) => {
                checked.letters += 1;
                if let Some(obstacle) = fit.obstacle(&letter) {
                    checked.unfit += 1;
                    let text = format!("line {number}: {} does not fit: {obstacle}", letter.id);
                    context.printer.remarks().failure(&text);
                } else {
                    checked.ordered += u64::from(mixes_headers(&letter));
                }
            }
        }
        Ok(())
    })?;
    let letters = checked.letters;
    let text = match ended {
        Some(count) if count == letters => return Ok(checked),
        Some(count) => {
            format!("the export says that it has {count} dead letters, and has {letters}")
        }
        None => format!(
            "the export is cut off: its last line is missing, behind {letters} dead letters"
        ),
    };
    Err(CliError::message(Exit::Failed, text).hint("nothing was imported; export again"))
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
    fit: &Fit<'_>,
    checked: u64,
    context: &Context,
) -> CliResult<Imported> {
    let mut imported = Imported::of(checked);
    let mut line = String::new();
    loop {
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                break;
            }
            bytes += line.len();
            // Each line was checked, and what does not fit was named.
            if let Ok(Exported::DeadLetter(letter)) = read_exported(&line)
                && fit.obstacle(&letter).is_none()
            {
                batch.push(*letter);
            }
        }
        if batch.is_empty() {
            return Ok(imported);
        }
        let ids: Vec<_> = batch.iter().map(|letter| letter.id.clone()).collect();
        let stored = fit.transport.dead_letters().import(batch).await;
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
    fn of(checked: u64) -> Self {
        Self {
            new: 0,
            known: 0,
            failed: 0,
            checked,
        }
    }

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
