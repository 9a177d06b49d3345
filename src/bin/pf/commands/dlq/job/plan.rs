//! Text form of a plan: number of dead letters per target and per reason.

use std::io::{self, Write};

use protoflow::runtime::{Contents, Target};
use serde::Serialize;

use crate::output::{Paint, Painter, Remarks, Report, abridged, counted};

/// Targets and reasons listed, the largest first.
const LISTED: usize = 10;

/// A plan, to be shown.
#[derive(Serialize)]
pub struct PlanView<'a> {
    store: &'a str,
    #[serde(flatten)]
    contents: &'a Contents,
}

impl<'a> PlanView<'a> {
    pub fn new(store: &'a str, contents: &'a Contents) -> Self {
        Self { store, contents }
    }

    /// Returns the text without the last line break.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        let plain = |paint: Paint, text: &str| paint.dress(false, text);
        // Writing to memory cannot fail.
        let _ = self.human(&mut text, &plain);
        String::from_utf8_lossy(&text).trim_end().to_owned()
    }

    /// Prints the warnings.
    pub fn warn(&self, remarks: &Remarks) {
        for warning in &self.contents.warnings {
            remarks.warning(warning);
        }
    }

    fn target(&self, target: &Target) -> String {
        let Target { topic, group, .. } = target;
        match (self.contents.action.is_replay(), group) {
            (true, Some(group)) => format!("to {group} on {topic}"),
            (true, None) => format!("to {topic}, for every group"),
            (false, Some(group)) => format!("of {group} on {topic}"),
            (false, None) => format!("of {topic}"),
        }
    }
}

impl Report for PlanView<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let contents = self.contents;
        let letters = match contents.dead_letters {
            0 => "no dead letters".to_owned(),
            letters => count(letters),
        };
        let (verb, store) = (contents.action.verb(), self.store);
        writeln!(out, "{verb} {} of {store}", paint(Paint::Name, &letters))?;
        for target in contents.targets.iter().take(LISTED) {
            writeln!(out, "  {:>7}  {}", target.dead_letters, self.target(target))?;
        }
        let listed = contents
            .targets
            .iter()
            .take(LISTED)
            .map(|target| target.dead_letters);
        more(
            out,
            contents.dead_letters - listed.sum::<u64>(),
            "elsewhere",
        )?;
        if contents.dead_letters > 0 {
            writeln!(out, "because of")?;
        }
        let rows = contents.reasons.rows.iter().take(LISTED);
        for row in rows.clone() {
            let reason = abridged(&row.sample);
            writeln!(out, "  {:>7}  {} ({})", row.count, reason, row.kind)?;
        }
        more(
            out,
            contents.dead_letters - rows.map(|row| row.count).sum::<u64>(),
            "other",
        )?;
        if contents.left_out > 0 {
            writeln!(out, "left out, replayed too often: {}", contents.left_out)?;
        }
        if contents.forbidden > 0 {
            let forbidden = contents.forbidden;
            writeln!(out, "left out, never replayed by policy: {forbidden}")?;
        }
        Ok(())
    }
}

fn more(out: &mut dyn Write, letters: u64, what: &str) -> io::Result<()> {
    match letters {
        0 => Ok(()),
        letters => writeln!(out, "  {letters:>7}  {what}"),
    }
}

/// Returns the number with its noun.
pub fn count(letters: u64) -> String {
    counted(letters, "dead letter", "dead letters")
}
