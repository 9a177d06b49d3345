//! Text form of an edit: the shapes of the changes with a sample of each, and what is refused.

use std::io::{self, Write};

use protoflow::runtime::EditReport;
use serde::Serialize;

use crate::{
    commands::dlq::job::count,
    output::{Paint, Painter, Report},
};

/// Shapes shown as text.
const LISTED: usize = 5;

/// An edit, to be shown.
#[derive(Serialize)]
#[serde(transparent)]
pub struct EditView<'a>(pub &'a EditReport);

impl EditView<'_> {
    /// Returns the text without the last line break.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        let plain = |paint: Paint, text: &str| paint.dress(false, text);
        // Writing to memory cannot fail.
        let _ = self.human(&mut text, &plain);
        String::from_utf8_lossy(&text).trim_end().to_owned()
    }
}

impl Report for EditView<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let report = self.0;
        writeln!(out, "edit {}", paint(Paint::Name, &count(report.edited)))?;
        for shape in report.shapes.iter().take(LISTED) {
            writeln!(out, "  {:>7}  {}", shape.count, shape.changes.join(", "))?;
            writeln!(out, "           before {}", shape.before)?;
            writeln!(out, "           after  {}", shape.after)?;
        }
        if report.shapes.len() > LISTED {
            writeln!(
                out,
                "  and {} other shapes of changes",
                report.shapes.len() - LISTED
            )?;
        }
        if report.refused > 0 {
            writeln!(out, "refused: {}", count(report.refused))?;
        }
        if report.left_out > 0 {
            writeln!(out, "left out, replayed too often: {}", report.left_out)?;
        }
        if report.forbidden > 0 {
            let forbidden = report.forbidden;
            writeln!(out, "left out, never replayed by policy: {forbidden}")?;
        }
        for refusal in &report.refusals {
            writeln!(out, "  {}  {}", refusal.id, refusal.reason)?;
        }
        Ok(())
    }
}
