//! Notices, hints, warnings and errors on stderr. A failed write there is ignored.

use std::io::{self, BufRead as _, Write as _};

use super::{ColorChoice, Paint};
use crate::{error::CliError, stdio::Stderr};

/// Writes to stderr, from any thread.
#[derive(Debug, Clone)]
pub struct Remarks {
    quiet: bool,
    coloured: bool,
}

impl Remarks {
    /// Opens stderr.
    pub fn stderr(quiet: bool, color: ColorChoice) -> Self {
        Self {
            quiet,
            coloured: color.applies_to(&io::stderr()),
        }
    }

    /// Reports whether notices are suppressed.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a notice.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            write(&format!("{text}\n"));
        }
    }

    /// Prints a hint; suppressed together with notices.
    pub fn hint(&self, text: &str) {
        if !self.quiet {
            write(&format!("{} {text}\n", self.paint(Paint::Name, "hint:")));
        }
    }

    /// Prints a warning.
    pub fn warning(&self, text: &str) {
        write(&format!(
            "{} {text}\n",
            self.paint(Paint::Warning, "warning:")
        ));
    }

    /// Prints an error after which the command continues.
    pub fn failure(&self, text: &str) {
        write(&format!("{} {text}\n", self.paint(Paint::Bad, "error:")));
    }

    /// Prints a question; the caller reads the answer from stdin.
    pub fn ask(question: &str) {
        write(question);
    }

    /// Prints a question and reads the answer from stdin; reports whether it is yes.
    pub fn confirm(question: &str) -> io::Result<bool> {
        Self::ask(question);
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        let answer = answer.trim().to_lowercase();
        Ok(matches!(answer.as_str(), "y" | "yes"))
    }

    /// Prints the error that ended the command: message, causes, hints.
    pub fn error(&self, error: &CliError) {
        if !error.is_silent() {
            write(&self.lines(error));
        }
    }

    fn lines(&self, error: &CliError) -> String {
        let mut chain = error.chain();
        let first = chain.next().unwrap_or_default();
        let mut lines = vec![format!("{} {first}\n", self.paint(Paint::Bad, "error:"))];
        lines.extend(chain.map(|cause| format!("  caused by: {cause}\n")));
        let hint = self.paint(Paint::Name, "hint:");
        lines.extend(error.hints().iter().map(|text| format!("{hint} {text}\n")));
        lines.concat()
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        paint.dress(self.coloured, text)
    }
}

/// Writes without a break, so that lines of several threads do not mix.
fn write(text: &str) {
    let _lock = io::stderr().lock();
    let _ = Stderr.write_all(text.as_bytes());
}
