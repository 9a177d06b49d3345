//! Masks: paths of a record whose values are printed as `***`.

use protoflow::{
    runtime::{Masks, Triage, write_masked},
    transport::DeadLetter,
};

use crate::error::{CliError, CliResult, Exit};

/// Compiles the paths of `--mask` and of the policy.
pub fn compile(paths: Vec<String>) -> CliResult<Option<Masks>> {
    Masks::compile(paths).map_err(|error| {
        CliError::new(Exit::Usage, error)
            .during("`--mask` is not a valid path")
            .hint("it is a path in jq, as in `.event.data.card`")
    })
}

/// Returns the masks that the policies of the store and of this machine ask for, for what is shown.
pub async fn of_policy(triage: &Triage) -> CliResult<Option<Masks>> {
    let guard = triage.guard().await.map_err(CliError::from)?;
    let paths = guard.masks().map(str::to_owned).collect();
    Masks::compile(paths).map_err(|error| {
        CliError::configuration(error.to_string())
            .during("`mask` of the policy is not a valid path")
            .hint("nothing is shown; `pf dlq policy set` replaces the policy")
    })
}

/// Appends a dead letter as a masked line of an export.
pub fn write(masks: &Masks, out: &mut Vec<u8>, letter: &DeadLetter) -> CliResult<()> {
    let masked = masks.record(letter).map_err(|error| {
        let text = format!("the masks cannot be applied to {}: {error}", letter.id);
        CliError::message(Exit::Failed, text).hint("nothing of it was exported")
    })?;
    let paths: Vec<_> = masks.paths().collect();
    write_masked(out, &masked, &paths);
    Ok(())
}
