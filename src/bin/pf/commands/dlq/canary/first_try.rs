//! `pf dlq replay --canary`: a command is tried on the first dead letters before the plan is made.

use protoflow::{
    event::Encoding,
    runtime::{PlanRequest, Triage},
};

use super::trial::Canary;
use crate::{
    commands::dlq::names,
    context::Context,
    error::{CliError, CliResult},
};

/// A command that is to be tried before a request is planned.
pub struct FirstTry<'a> {
    pub canary: &'a Canary,
    pub triage: &'a Triage,
    pub request: &'a PlanRequest,
    /// Encoding of the store.
    pub encoding: Encoding,
    /// Whether the operator is asked; `None` if that is needed and impossible.
    pub asks: Option<bool>,
}

impl FirstTry<'_> {
    /// Tries it on copies of the first dead letters of the request; returns whether there are any.
    pub async fn run(self, context: &mut Context) -> CliResult<bool> {
        // Before the command runs: what it does elsewhere is real.
        let Some(asks) = self.asks else {
            let text = "a replay needs confirmation and stdin is not a terminal";
            let hint = "confirm with `--yes`; `--dry-run` runs the canary only";
            return Err(CliError::usage(text).hint(hint));
        };
        let request = PlanRequest {
            max_replays: self.request.max_replays,
            ..PlanRequest::new(self.request.action.clone(), self.request.query.clone())
        };
        let letters = match self.triage.first(request, self.canary.most).await {
            Ok(letters) => letters,
            Err(error) => return Err(names::explain(self.triage, error).await),
        };
        if letters.is_empty() {
            return Ok(false);
        }
        let canary = self.canary;
        canary.confirm(letters.len() as u64, asks, &context.printer.remarks())?;
        canary.run(&letters, self.encoding, context).await?;
        Ok(true)
    }
}
