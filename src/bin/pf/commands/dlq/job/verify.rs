//! `pf dlq jobs show JOB --verify`: proof of a replay, letter by letter.

use std::io::{self, Write};

use protoflow::{
    runtime::{Found, Triage, Verification, VerifiedLetter},
    transport::JobId,
};
use serde::Serialize;

use super::{by_name, plan::count};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
};

/// What may be found, and how a summary says it.
const FOUND: [(Found, &str); 7] = [
    (Found::Once, "there once"),
    (Found::Changed, "changed"),
    (Found::Elsewhere, "elsewhere"),
    (Found::Missing, "missing"),
    (Found::Twice, "there more than once"),
    (Found::Unknown, "cannot know"),
    (Found::NotReplayed, "not replayed"),
];

/// Verifies the only replay whose id begins like this.
pub async fn verify(triage: &Triage, name: &str, context: &mut Context) -> CliResult<()> {
    let job = find(triage, name).await?;
    let verification = triage.verify(&job).await?;
    for letter in &verification.letters {
        context.printer.report(&Line(letter))?;
    }
    let summary = Summary::of(&verification);
    context.printer.report(&summary)?;
    context.printer.flush()?;
    let all = summary.letters;
    let others = all - summary.once;
    if others == 0 {
        return Ok(());
    }
    let text = format!("{others} of {all} replays are not there exactly once");
    Err(CliError::message(Exit::Partly, text))
}

async fn find(triage: &Triage, name: &str) -> CliResult<JobId> {
    let mut jobs = triage.verifiable().await?;
    let begins = |id: &JobId| {
        id.0.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    jobs.retain(begins);
    if jobs.is_empty() && is_known(triage, name).await? {
        let text = format!("the store keeps no list of the dead letters of `{name}`");
        return Err(CliError::message(Exit::Failed, text)
            .hint("it keeps those of the last 20 replays, for 30 days"));
    }
    by_name::only(jobs, name)
}

async fn is_known(triage: &Triage, name: &str) -> CliResult<bool> {
    let jobs = triage.jobs().await?.into_iter().map(|job| job.id);
    let ended = triage
        .log()
        .await?
        .into_iter()
        .filter_map(|entry| entry.job);
    Ok(jobs.chain(ended).any(|id| id.0.starts_with(name)))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Line<'a>(&'a VerifiedLetter);

impl Report for Line<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let letter = self.0;
        let (id, target) = (paint(Paint::Name, letter.id.as_str()), &letter.target);
        let (state, style) = match letter.found {
            Found::Once => ("there once".to_owned(), Paint::Good),
            Found::Twice => (format!("there {}x", letter.count), Paint::Bad),
            found => (name(found).to_owned(), Paint::Bad),
        };
        write!(out, "{id}  {}  ", paint(style, &format!("{state:<12}")))?;
        match &target.group {
            Some(group) => write!(out, "to {group} on {}", target.topic)?,
            None => write!(out, "to {}", target.topic)?,
        }
        for (number, position) in letter.positions.iter().enumerate() {
            write!(out, "{} {position}", if number == 0 { " at" } else { "," })?;
        }
        match (&letter.died_again, &letter.reason) {
            (Some(again), _) => writeln!(out, "; died again as {again}"),
            (None, Some(reason)) => writeln!(out, "; {reason}"),
            (None, None) if letter.settled => writeln!(out, "; settled"),
            (None, None) => writeln!(out),
        }
    }
}

fn name(found: Found) -> &'static str {
    let mut names = FOUND.iter();
    names
        .find(|(one, _)| *one == found)
        .map_or("", |(_, name)| name)
}

#[derive(Default, Serialize)]
struct Summary<'a> {
    job: &'a str,
    letters: usize,
    once: usize,
    changed: usize,
    elsewhere: usize,
    missing: usize,
    twice: usize,
    unknown: usize,
    not_replayed: usize,
}

impl<'a> Summary<'a> {
    fn of(verification: &'a Verification) -> Self {
        let mut summary = Self {
            job: &verification.job.0,
            letters: verification.letters.len(),
            ..Self::default()
        };
        for letter in &verification.letters {
            *match letter.found {
                Found::Once => &mut summary.once,
                Found::Changed => &mut summary.changed,
                Found::Elsewhere => &mut summary.elsewhere,
                Found::Missing => &mut summary.missing,
                Found::Twice => &mut summary.twice,
                Found::Unknown => &mut summary.unknown,
                Found::NotReplayed => &mut summary.not_replayed,
            } += 1;
        }
        summary
    }

    fn counts(&self) -> [usize; 7] {
        [
            self.once,
            self.changed,
            self.elsewhere,
            self.missing,
            self.twice,
            self.unknown,
            self.not_replayed,
        ]
    }
}

impl Report for Summary<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let letters = count(self.letters as u64);
        write!(
            out,
            "verified {letters} of {}",
            paint(Paint::Name, self.job)
        )?;
        let counts = FOUND.iter().zip(self.counts());
        let counts = counts.filter(|(_, count)| *count > 0);
        for (number, ((_, name), count)) in counts.enumerate() {
            let before = if number == 0 { ':' } else { ',' };
            write!(out, "{before} {count} {name}")?;
        }
        writeln!(out)
    }
}
