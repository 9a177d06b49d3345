//! Making events.
use super::EventError;
use cloudevents::Event;
/// Starts an event; the id defaults to a ULID and the time to now.
pub fn event(ty: impl Into<String>, source: impl Into<String>) -> EventBuilder {
    let _ = (ty.into(), source.into());
    todo!()
}
/// Returns a new ULID.
#[must_use]
pub fn new_id() -> String {
    todo!()
}
/// An event being made.
#[derive(Debug, Clone)]
pub struct EventBuilder {}
impl EventBuilder {
    /// Sets JSON data. # Errors if it cannot be serialised
    pub fn data(self, data: &impl serde::Serialize) -> Result<Self, EventError> {
        let _ = data;
        todo!()
    }
    /// Sets the subject.
    #[must_use]
    pub fn subject(self, _subject: impl Into<String>) -> Self {
        todo!()
    }
    /// Sets the correlation id.
    #[must_use]
    pub fn correlation_id(self, _id: impl Into<String>) -> Self {
        todo!()
    }
    /// Checks and returns the event. # Errors if an attribute breaks a rule
    pub fn build(self) -> Result<Event, EventError> {
        todo!()
    }
}
