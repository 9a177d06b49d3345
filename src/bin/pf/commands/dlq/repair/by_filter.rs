//! An edit by jq, on the record of `-o json`.

use protoflow::{
    runtime::{Filter, ReplayEditor},
    transport::DeadLetter,
};

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

    /// Returns it as the edit of a replay.
    pub fn into_editor(self) -> ReplayEditor {
        let (program, is_of_event) = (self.program().to_owned(), self.0.is_event_edit());
        let editor = ReplayEditor::new(program, move |letter, record| self.apply(letter, record));
        if is_of_event {
            return editor.of_event_alone();
        }
        editor
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
        let edited = self.0.edit_event(record);
        edited
            .map(String::into_bytes)
            .map_err(|error| error.to_string())
    }
}
