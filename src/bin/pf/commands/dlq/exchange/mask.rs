//! Masks: paths of a record whose values leave the house as `***`.

use protoflow::{
    runtime::{Filter, write_dead_letter, write_masked},
    transport::DeadLetter,
};

use crate::error::{CliError, CliResult, Exit};

/// Masks, compiled.
#[derive(Debug)]
pub struct Masks {
    paths: Vec<String>,
    program: Filter,
}

impl Masks {
    /// Compiles paths such as `.event.data.card`; `None` if there are none.
    pub fn compile(paths: Vec<String>) -> CliResult<Option<Self>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let mut steps: Vec<String> = paths
            .iter()
            .map(|path| format!("(({path}) | select(. != null)) |= \"***\""))
            .collect();
        // A payload beside the event holds the same data once more.
        steps.push("if .message | type == \"object\" then .message |= (if has(\"payload\") or has(\"payload_base64\") then del(.payload_base64) | .payload = \"***\" else . end) else . end".to_owned());
        let program = Filter::compile(&steps.join(" | ")).map_err(|error| {
            CliError::new(Exit::Usage, error)
                .during("`--mask` is not a valid path")
                .hint("it is a path in jq, as in `.event.data.card`")
        })?;
        Ok(Some(Self { paths, program }))
    }

    /// Appends a dead letter as a masked line of an export.
    pub fn write(&self, out: &mut Vec<u8>, letter: &DeadLetter) -> CliResult<()> {
        let mut record = Vec::new();
        write_dead_letter(&mut record, letter);
        let masked = self.program.transform(&record).map_err(|error| {
            let text = format!("the masks cannot be applied to {}: {error}", letter.id);
            CliError::message(Exit::Failed, text).hint("nothing of it was exported")
        })?;
        let paths: Vec<_> = self.paths.iter().map(String::as_str).collect();
        write_masked(out, masked.as_bytes(), &paths);
        Ok(())
    }
}
