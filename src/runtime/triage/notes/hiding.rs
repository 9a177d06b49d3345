//! Hiding what the policies mask in what triage reports: samples of failures, of edits and of reasons.

use serde_json::Value;

#[cfg(feature = "filter")]
use super::Masks;
use super::policy::{Guard, MASK, PolicyError};
use crate::transport::{DeadLetter, Result as Answer};

/// Hides the masked values of a dead letter.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime::triage) enum Hiding {
    /// Nothing is masked.
    #[default]
    Nothing,
    #[cfg(feature = "filter")]
    Values(Box<Masks>),
    /// Without jq the masks cannot be applied: nothing is shown.
    Everything,
}

impl Hiding {
    /// Returns how to hide what these policies mask.
    ///
    /// # Errors
    /// If one of their paths is not valid.
    #[cfg(feature = "filter")]
    pub(in crate::runtime::triage) fn of(guard: &Guard) -> Result<Self, PolicyError> {
        let masks = Masks::compile(guard.masks().map(str::to_owned).collect());
        let masks = masks.map_err(|error| PolicyError::Invalid(format!("`mask`: {error}")))?;
        Ok(masks.map_or(Self::Nothing, |masks| Self::Values(Box::new(masks))))
    }

    /// Returns how to hide what these policies mask.
    #[cfg(not(feature = "filter"))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "with the feature, a path may not be valid"
    )]
    pub(in crate::runtime::triage) fn of(guard: &Guard) -> Result<Self, PolicyError> {
        Ok(match guard.masks().next() {
            None => Self::Nothing,
            Some(_) => Self::Everything,
        })
    }

    /// Returns how to hide what these policies mask; if they cannot be read, everything.
    ///
    /// # Errors
    /// If the transport failed.
    pub(in crate::runtime::triage) fn or_everything(
        guard: Result<Guard, PolicyError>,
    ) -> Answer<Self> {
        match guard.and_then(|guard| Self::of(&guard)) {
            Err(PolicyError::Transport(error)) => Err(error),
            hiding => Ok(hiding.unwrap_or(Self::Everything)),
        }
    }

    /// Reports whether nothing is masked.
    pub(in crate::runtime::triage) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Returns the failure message of a dead letter.
    pub(in crate::runtime::triage) fn failure(&self, letter: &DeadLetter) -> String {
        self.text(letter, letter.record.failure.message.clone())
    }

    /// Returns a text about a dead letter.
    pub(in crate::runtime::triage) fn text(&self, letter: &DeadLetter, text: String) -> String {
        match self {
            Self::Nothing => text,
            #[cfg(feature = "filter")]
            Self::Values(masks) => masks.hide_in(letter, &text),
            Self::Everything => {
                let _ = letter;
                MASK.to_owned()
            }
        }
    }

    /// Returns the event of a dead letter before and after an edit.
    pub(in crate::runtime::triage) fn edit(
        &self,
        before: &Value,
        after: &Value,
    ) -> (String, String) {
        match self {
            Self::Nothing => (before.to_string(), after.to_string()),
            #[cfg(feature = "filter")]
            Self::Values(masks) => masks.edit(before, after),
            Self::Everything => (MASK.to_owned(), MASK.to_owned()),
        }
    }
}
