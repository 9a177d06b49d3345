//! The error of a library handler, with the action for the event.

use std::{any::type_name, error::Error as StdError, fmt, time::Duration};

use super::Outcome;
use crate::runtime::describe_failure;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Reason why a handler did not handle an event, and the action for it.
///
/// `?` converts any other error into one that retries the event:
///
/// ```
/// use protoflow::{Event, HandlerError};
///
/// async fn handle(event: Event) -> Result<(), HandlerError> {
///     let order = event.data().ok_or_else(|| HandlerError::dead_letter("an order without data"))?;
///     let number: u64 = order.to_string().parse()?;
///     if number == 0 {
///         return Err(HandlerError::skip("a test order"));
///     }
///     Ok(())
/// }
/// ```
///
/// It does not implement [`std::error::Error`], because that would rule out the conversion from every other error.
pub struct HandlerError {
    action: RequestedAction,
    class: String,
    message: String,
    source: Option<BoxError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestedAction {
    Retry(Option<Duration>),
    DeadLetter,
    Skip,
}

impl HandlerError {
    /// The run failed: retry by policy.
    ///
    /// ```
    /// # use protoflow::HandlerError;
    /// # fn call() -> Result<(), std::fmt::Error> { Err(std::fmt::Error) }
    /// # fn handle() -> Result<(), HandlerError> {
    /// call().map_err(HandlerError::retry)?; // the same as `call()?`
    /// # Ok(())
    /// # }
    /// # handle().unwrap_err();
    /// ```
    pub fn retry<E: Into<BoxError>>(error: E) -> Self {
        Self::caused(RequestedAction::Retry(None), error)
    }

    /// The run failed: retry after this delay.
    ///
    /// ```
    /// # use protoflow::HandlerError;
    /// # use std::time::Duration;
    /// # fn call() -> Result<(), std::fmt::Error> { Err(std::fmt::Error) }
    /// # fn handle() -> Result<(), HandlerError> {
    /// let later = |error| HandlerError::retry_after(Duration::from_secs(90), error);
    /// call().map_err(later)?;
    /// # Ok(())
    /// # }
    /// # handle().unwrap_err();
    /// ```
    pub fn retry_after<E: Into<BoxError>>(delay: Duration, error: E) -> Self {
        Self::caused(RequestedAction::Retry(Some(delay)), error)
    }

    /// The event can never be handled: dead-letter it now.
    ///
    /// ```
    /// # use protoflow::HandlerError;
    /// # fn find() -> Result<(), std::fmt::Error> { Err(std::fmt::Error) }
    /// # fn handle() -> Result<(), HandlerError> {
    /// find().map_err(|error| HandlerError::dead_letter("no such product").source(error))?;
    /// # Ok(())
    /// # }
    /// # handle().unwrap_err();
    /// ```
    #[must_use]
    pub fn dead_letter(reason: impl Into<String>) -> Self {
        Self {
            action: RequestedAction::DeadLetter,
            class: "dead letter".to_owned(),
            message: reason.into(),
            source: None,
        }
    }

    /// The event needs no handling: acknowledge it, with the reason in a notice.
    ///
    /// ```
    /// # use protoflow::HandlerError;
    /// # fn handle(is_test: bool) -> Result<(), HandlerError> {
    /// if is_test {
    ///     return Err(HandlerError::skip("a test order"));
    /// }
    /// # Ok(())
    /// # }
    /// # handle(true).unwrap_err();
    /// ```
    #[must_use]
    pub fn skip(reason: impl Into<String>) -> Self {
        Self {
            action: RequestedAction::Skip,
            class: "skip".to_owned(),
            message: reason.into(),
            source: None,
        }
    }

    /// The content of the event is invalid: dead-letter it with this error.
    ///
    /// ```
    /// # use protoflow::HandlerError;
    /// # fn handle(text: &str) -> Result<(), HandlerError> {
    /// let number: u64 = text.parse().map_err(HandlerError::unprocessable)?;
    /// # Ok(())
    /// # }
    /// # handle("x").unwrap_err();
    /// ```
    pub fn unprocessable<E: Into<BoxError>>(error: E) -> Self {
        Self::caused(RequestedAction::DeadLetter, error)
    }

    /// Adds the underlying error, which a dead letter keeps as its detail.
    #[must_use]
    pub fn source(mut self, error: impl Into<BoxError>) -> Self {
        self.source = Some(error.into());
        self
    }

    fn caused<E: Into<BoxError>>(action: RequestedAction, error: E) -> Self {
        let error = error.into();
        Self {
            action,
            class: short_name(type_name::<E>()),
            message: error.to_string(),
            source: Some(error),
        }
    }

    fn detail(&self) -> Option<String> {
        let first: &dyn StdError = self.source.as_deref()?;
        let causes = std::iter::successors(Some(first), |error: &&dyn StdError| (*error).source());
        let mut lines: Vec<String> = causes.map(ToString::to_string).collect();
        lines.dedup();
        lines.retain(|line| *line != self.message);
        (!lines.is_empty()).then(|| lines.join("\ncaused by: "))
    }
}

/// Returns the name of a type without modules and parameters, `error` for plain texts.
fn short_name(name: &str) -> String {
    if name.ends_with("str") || name.ends_with("String") || name.contains("dyn ") {
        return "error".to_owned();
    }
    name.split('<').next().unwrap_or(name).to_owned()
}

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

impl From<HandlerError> for Outcome {
    fn from(error: HandlerError) -> Self {
        let failure = || describe_failure(&error.class, &error.message, error.detail().as_deref());
        match error.action {
            RequestedAction::Retry(after) => Self::Retry(after, failure()),
            RequestedAction::DeadLetter => Self::DeadLetter(failure()),
            RequestedAction::Skip => Self::Skip(error.message),
        }
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("action", &self.action)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the warehouse said no")]
    struct Refused(#[source] std::num::ParseIntError);

    fn refused() -> Refused {
        Refused("x".parse::<u8>().unwrap_err())
    }

    #[test]
    fn any_error_is_a_retry_and_keeps_its_causes() {
        let Outcome::Retry(None, failure) = Outcome::from(HandlerError::from(refused())) else {
            panic!("a failed run");
        };
        assert!(failure.class.ends_with("Refused"), "{}", failure.class);
        assert_eq!(failure.message, "the warehouse said no");
        assert_eq!(
            failure.detail.as_deref(),
            Some("invalid digit found in string")
        );
    }

    #[test]
    fn a_dead_letter_keeps_the_reason_and_the_underlying_error() {
        let error = HandlerError::dead_letter("no such product").source(refused());
        let Outcome::DeadLetter(failure) = Outcome::from(error) else {
            panic!("a dead letter");
        };
        assert_eq!(failure.message, "no such product");
        let detail = failure.detail.unwrap();
        assert_eq!(
            detail,
            "the warehouse said no\ncaused by: invalid digit found in string"
        );
    }

    #[test]
    fn a_delay_and_a_skip_are_passed_on() {
        let delay = Duration::from_secs(9);
        let retry = Outcome::from(HandlerError::retry_after(delay, "busy"));
        assert!(matches!(retry, Outcome::Retry(Some(after), failure)
            if after == delay && failure.class == "error" && failure.message == "busy"));
        let skip = Outcome::from(HandlerError::skip("seen before"));
        assert!(matches!(skip, Outcome::Skip(reason) if reason == "seen before"));
        let garbage = Outcome::from(HandlerError::unprocessable(refused()));
        assert!(matches!(garbage, Outcome::DeadLetter(_)));
    }
}
