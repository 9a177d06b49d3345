//! What a handler sees: the event as one JSON object with the `pf_*` attributes of this delivery.
use super::{EventError, Message};
/// What a delivery adds to its event when it is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The number of this run, from 1.
    pub attempt: u32,
    /// Runs that the policy allows.
    pub max_attempts: u32,
}
/// Returns the event as one line of JSON as a handler sees it; `event_id` etc. come from the [`super::Envelope`].
/// # Errors if the message is no event
pub fn hand_over(message: &Message, with: &HandOver) -> Result<Vec<u8>, EventError> {
    let _ = (message, with);
    todo!()
}
