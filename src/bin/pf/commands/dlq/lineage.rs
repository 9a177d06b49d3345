//! The lineage of dead letters, as `pf dlq show` prints it; also of those that are none any more.

use std::io::{self, Write};

use protoflow::{
    event::format_time,
    runtime::{LineageStep, Lineages, Triage},
    transport::DeadLetter,
};
use serde::Serialize;

use super::canary::fate;
use crate::{
    error::CliResult,
    output::{Format, Paint, Painter, Printer, Report},
};

/// Reads lineage once it is needed.
pub struct Story<'a> {
    triage: &'a Triage,
    /// Whether the output format has room for it.
    is_shown: bool,
    /// Whether archived dead letters are shown, among which are the originals of edited ones.
    is_archive: bool,
    lineages: Option<Lineages>,
}

impl<'a> Story<'a> {
    pub fn new(triage: &'a Triage, is_archive: bool, format: Format) -> Self {
        Self {
            triage,
            is_archive,
            is_shown: matches!(format, Format::Text | Format::Json),
            lineages: None,
        }
    }

    /// Returns the lineage of a dead letter; empty if nothing was ever done to it.
    pub async fn of(&mut self, letter: &DeadLetter) -> CliResult<Vec<LineageStep>> {
        let record = &letter.record;
        let is_old = record.replay_of.is_some() || record.edit_of.is_some() || self.is_archive;
        if !self.is_shown || !is_old {
            return Ok(Vec::new());
        }
        let mut steps = self.read().await?.of_letter(letter).await?;
        if let [LineageStep::DeadLetter { .. }] = steps[..] {
            // That it is a dead letter is no news.
            steps.clear();
        }
        Ok(steps)
    }

    /// Prints the lineage of those of these names that are no dead letters any more; returns them.
    pub async fn of_resolved(
        &mut self,
        names: &[&str],
        printer: &mut Printer,
    ) -> CliResult<Vec<String>> {
        let mut found = Vec::new();
        if !self.is_shown || names.is_empty() {
            return Ok(found);
        }
        let lineages = self.read().await?;
        for name in names {
            if let [id] = lineages.find(name)[..] {
                let lineage = lineages.of_id(id).await?;
                let dead_letter = Resolved {
                    id: id.as_str(),
                    lineage: &lineage,
                };
                printer.report(&ResolvedView { dead_letter })?;
                found.push((*name).to_owned());
            }
        }
        Ok(found)
    }

    async fn read(&mut self) -> CliResult<&Lineages> {
        let lineages = match self.lineages.take() {
            Some(known) => known,
            None => Lineages::read(self.triage.transport()).await?,
        };
        Ok(self.lineages.insert(lineages))
    }
}

#[derive(Serialize)]
struct ResolvedView<'a> {
    dead_letter: Resolved<'a>,
}

/// A dead letter that was replayed or edited.
#[derive(Serialize)]
struct Resolved<'a> {
    id: &'a str,
    lineage: &'a [LineageStep],
}

impl Report for ResolvedView<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let letter = &self.dead_letter;
        let id = paint(Paint::Name, letter.id);
        writeln!(out, "{}  {id}", paint(Paint::Dim, "id         "))?;
        write(letter.lineage, out, paint)?;
        writeln!(out)
    }
}

/// Writes the steps of a lineage, one on each line.
pub fn write(steps: &[LineageStep], out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    for (number, step) in steps.iter().enumerate() {
        let name = if number == 0 { "lineage" } else { "" };
        let name = format!("{name:<11}");
        writeln!(out, "{}  {}", paint(Paint::Dim, &name), text(step))?;
    }
    Ok(())
}

fn text(step: &LineageStep) -> String {
    match step {
        LineageStep::DeadLetter { id, time } => {
            format!("{id}  dead letter since {}", format_time(*time))
        }
        LineageStep::Edited { id, into, time } => {
            format!("{id}  edited {}, now {into}", format_time(*time))
        }
        LineageStep::ReplayedEarlier { id, dead_letter } => {
            format!("{id}  replayed earlier; died again as {dead_letter}")
        }
        LineageStep::Replayed {
            job,
            time,
            edited,
            followed,
        } => {
            let topic = &followed.topic;
            let target = match &followed.group {
                Some(group) => format!("to {group} on {topic}"),
                None => format!("to {topic}"),
            };
            let position = followed.position.as_ref();
            let position = position.map_or_else(String::new, |at| format!(" at {at}"));
            let (id, time, fate) = (&followed.id, format_time(*time), fate(followed));
            let replayed = if *edited {
                "edited and replayed"
            } else {
                "replayed"
            };
            format!("{id}  {replayed} {time} {target}{position} by job {job}; {fate}")
        }
    }
}
