//! `pf doctor`: checks the store and the outbox for problems, and fixes them.

use std::io::{self, Write};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    transport::{Finding, FindingLevel, Transport},
};
use serde::Serialize;

#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
use super::outbox::database::find;
#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
use crate::config::masked_for_user;
use crate::{
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
};

/// Check the store and the outbox and report problems with the command that fixes each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf doctor
  pf doctor --url nats://localhost:4222 --fix
  pf doctor --in postgres://localhost/shop

Without `--in`, the outbox of PF_OUTBOX or of the context is checked beside the store.

Exit codes: 0 no problems, 1 problems.")]
pub struct DoctorArgs {
    /// Fix the problems that can be fixed from here
    #[arg(long)]
    pub fix: bool,
    /// Check only the outbox in this database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    #[arg(long = "in", value_name = "URL", conflicts_with = "fix")]
    database: Option<String>,
}

impl DoctorArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let mut problems = 0;
        if !self.is_about_outbox_only() {
            problems += self.check_store(context).await?;
        }
        #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
        if let Some(url) = find(context, self.database.as_deref(), "--in")? {
            problems += check_outbox(context, &url).await?;
        }
        match problems {
            0 => Ok(()),
            1 => Err(CliError::message(Exit::Failed, "1 problem")),
            count => Err(CliError::message(Exit::Failed, format!("{count} problems"))),
        }
    }

    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    fn is_about_outbox_only(&self) -> bool {
        self.database.is_some()
    }

    #[cfg(not(any(feature = "outbox-sqlite", feature = "outbox-postgres")))]
    fn is_about_outbox_only(&self) -> bool {
        let _ = self;
        false
    }

    /// Checks the store; returns how many problems it has.
    async fn check_store(&self, context: &mut Context) -> CliResult<usize> {
        let url = context.url()?;
        let remarks = context.printer.remarks();
        remarks.remark(&format!("checking {}", masked(&url)));
        let transport = context.open(OpenOptions::default()).await?;
        let mut findings = transport.diagnose().await?;
        if self.fix && fix(context, transport.as_ref(), &findings).await {
            findings = transport.diagnose().await?;
        }
        show(context, &findings)
    }
}

/// Checks the outbox; returns how many problems it has.
#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
async fn check_outbox(context: &mut Context, url: &url::Url) -> CliResult<usize> {
    let remarks = context.printer.remarks();
    remarks.remark(&format!("checking the outbox in {}", masked_for_user(url)));
    let findings = protoflow::outbox::Outbox::new(url)?.diagnose().await?;
    show(context, &findings)
}

/// Shows findings; returns how many of them are problems.
fn show(context: &mut Context, findings: &[Finding]) -> CliResult<usize> {
    for finding in findings {
        context.printer.report(&Shown(finding))?;
    }
    let problems = findings
        .iter()
        .filter(|finding| finding.level == FindingLevel::Problem);
    Ok(problems.count())
}

/// Fixes what it can; reports whether a fix was tried.
async fn fix(context: &Context, transport: &dyn Transport, findings: &[Finding]) -> bool {
    let remarks = context.printer.remarks();
    let mut tried = false;
    let wrong = findings
        .iter()
        .filter(|finding| finding.level != FindingLevel::Ok);
    for finding in wrong.filter(|finding| finding.fix.is_some()) {
        tried = true;
        match transport.fix(&finding.name).await {
            Ok(()) => remarks.remark(&format!("fixed {}", finding.name)),
            Err(error) => remarks.warning(&format!("{} not fixed: {error}", finding.name)),
        }
    }
    tried
}

/// A finding, to be shown.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown<'a>(&'a Finding);

impl Report for Shown<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let (look, word) = match self.0.level {
            FindingLevel::Ok => (Paint::Good, "ok"),
            FindingLevel::Warning => (Paint::Warning, "warning"),
            FindingLevel::Problem => (Paint::Bad, "problem"),
        };
        let word = paint(look, &format!("{word:<8}"));
        writeln!(out, "{word} {:<20} {}", self.0.name, self.0.text)?;
        match &self.0.fix {
            Some(fix) => writeln!(out, "{:29} fix: {fix}", ""),
            None => Ok(()),
        }
    }
}
