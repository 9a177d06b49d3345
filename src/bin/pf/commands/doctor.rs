//! `pf doctor`: checks the store for problems, and fixes them.

use std::io::{self, Write};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    transport::{Finding, FindingLevel, Transport},
};
use serde::Serialize;

use crate::{
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
};

/// Check the store and report problems with the command that fixes each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf doctor
  pf doctor --url nats://localhost:4222 --fix

Exit codes: 0 no problems, 1 problems.")]
pub struct DoctorArgs {
    /// Fix the problems that can be fixed from here
    #[arg(long)]
    pub fix: bool,
}

impl DoctorArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let url = context.url()?;
        let remarks = context.printer.remarks();
        remarks.remark(&format!("checking {}", masked(&url)));
        let transport = context.open(OpenOptions::default()).await?;
        let mut findings = transport.diagnose().await?;
        if self.fix && fix(context, transport.as_ref(), &findings).await {
            findings = transport.diagnose().await?;
        }
        for finding in &findings {
            context.printer.report(&Shown(finding))?;
        }
        let problems = findings
            .iter()
            .filter(|finding| finding.level == FindingLevel::Problem);
        match problems.count() {
            0 => Ok(()),
            1 => Err(CliError::message(Exit::Failed, "1 problem")),
            count => Err(CliError::message(Exit::Failed, format!("{count} problems"))),
        }
    }
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
