//! The value of a run that began.

use serde::{Deserialize, Serialize};

use crate::{
    event::Position,
    transport::{Beginning, DeadLetterId, Mark},
};

/// A mark as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    /// The stream that the event is in.
    #[serde(default)]
    stream: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub(super) enum State {
    /// A run began on a message.
    Begun {
        group: String,
        consumer: String,
        position: String,
        /// What no other member writes.
        nonce: u64,
    },
    /// Given up, as this dead letter.
    Dead { letter: String },
    /// A run that began is to be repeated.
    Free,
}

impl Stored {
    pub(super) fn of(store: &str, state: State) -> Self {
        Self {
            stream: store.to_owned(),
            state,
        }
    }

    /// Returns the mark of an event of this stream.
    pub(super) fn into_found(self, store: &str) -> Option<Found> {
        if self.stream != store {
            return None;
        }
        match self.state {
            State::Begun {
                group,
                consumer,
                position,
                ..
            } => {
                let group = group.parse().ok();
                let mark = group.map_or(Mark::Unknown, |group| {
                    let position = Position::new(position);
                    Mark::Begun(Beginning { group, position })
                });
                Some(Found { mark, consumer })
            }
            State::Dead { letter } => Some(Found::settled(Mark::Dead(DeadLetterId::from_stored(
                letter,
            )))),
            State::Free => None,
        }
    }
}

/// A mark that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) mark: Mark,
    /// The consumer that has the delivery on which a run began.
    pub(crate) consumer: String,
}

impl Found {
    pub(super) fn settled(mark: Mark) -> Self {
        let consumer = String::new();
        Self { mark, consumer }
    }
}
