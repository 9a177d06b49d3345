//! An edit by jq, on the record of `-o json`.

use protoflow::{runtime::Filter, transport::DeadLetter};
use serde_json::Value;

use crate::error::{CliError, CliResult, Exit};

/// An edit by jq.
#[derive(Debug, Clone)]
pub struct JqEdit(Filter);

impl JqEdit {
    /// Compiles it.
    pub fn compile(text: &str) -> CliResult<Self> {
        let filter = Filter::compile(text).map_err(|error| {
            CliError::new(Exit::Usage, error)
                .during("`--edit` is not a valid filter")
                .hint("it is jq on the record of `-o json`, as in `.event.data.amount |= tonumber`")
        })?;
        Ok(Self(filter))
    }

    /// Returns the jq program.
    pub fn program(&self) -> &str {
        self.0.text()
    }

    /// Returns it as flags of a command.
    pub fn text(&self) -> String {
        let quoted = self.0.text().replace('\'', r"'\''");
        format!("--edit '{quoted}'")
    }

    /// Returns the edited event of a dead letter with this record.
    pub fn apply(&self, _: &DeadLetter, record: &[u8]) -> Result<Vec<u8>, String> {
        let edited = self
            .0
            .transform(record)
            .map_err(|error| error.to_string())?;
        let parse =
            |text: &[u8]| serde_json::from_slice::<Value>(text).map_err(|error| error.to_string());
        let (before, mut after) = (parse(record)?, parse(edited.as_bytes())?);
        for part in ["message", "dead_letter"] {
            if after.get(part) != before.get(part) {
                return Err(format!(
                    "the edit changes `.{part}`; only `.event` can be edited"
                ));
            }
        }
        match after.get_mut("event").map(Value::take) {
            Some(event) => Ok(event.to_string().into_bytes()),
            None => Err("the edit leaves no `.event`".to_owned()),
        }
    }
}
