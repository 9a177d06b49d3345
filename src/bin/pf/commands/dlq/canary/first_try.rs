//! `pf dlq replay --canary`: a command is tried on the first dead letters before the plan is made.

use protoflow::{
    event::Encoding,
    runtime::{Masks, PlanRequest, Triage, edited_copy},
    transport::DeadLetter,
};

use super::{trial::Canary, view::Tried};
use crate::{
    commands::dlq::{exchange::mask, names, repair::JqEdit},
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// A command that is to be tried before a request is planned.
pub struct FirstTry<'a> {
    pub canary: &'a Canary,
    pub triage: &'a Triage,
    pub request: &'a PlanRequest,
    /// The edit, of which the command gets the result.
    pub edit: Option<&'a JqEdit>,
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
        let masks = mask::of_policy(self.triage).await?;
        let masks = masks.as_ref();
        let copies = match self.edit {
            Some(edit) => edited(&letters, edit, self.encoding, masks)?,
            None => letters.clone(),
        };
        let canary = self.canary;
        canary.confirm(letters.len() as u64, asks, &context.printer.remarks())?;
        let tried = copies.into_iter().zip(letters);
        let tried: Vec<_> = tried
            .map(|(copy, original)| Tried { copy, original })
            .collect();
        canary.run(&tried, self.encoding, masks, context).await?;
        Ok(true)
    }
}

/// Returns copies with the edited events.
fn edited(
    letters: &[DeadLetter],
    edit: &JqEdit,
    encoding: Encoding,
    masks: Option<&Masks>,
) -> CliResult<Vec<DeadLetter>> {
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    let mut copies = Vec::with_capacity(letters.len());
    for letter in letters {
        let copy = edited_copy(letter, encoding, &mut event).map_err(|reason| {
            let reason = match masks {
                Some(masks) => masks.hide_in(letter, &reason),
                None => reason,
            };
            let text = format!("{} cannot be edited: {reason}", letter.id);
            CliError::message(Exit::Failed, text).hint("nothing was done")
        })?;
        copies.push(DeadLetter {
            // The topic that the replay goes to.
            message: protoflow::event::Message {
                topic: letter.message.topic.clone(),
                ..copy.message
            },
            ..copy
        });
    }
    Ok(copies)
}
