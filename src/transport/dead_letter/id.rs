//! The id of a dead letter.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::event::{Group, Position};

/// The id of a dead letter: the same after a crash, an export or an import.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeadLetterId(SmolStr);

impl DeadLetterId {
    /// Derives the id: 12 base32 characters of a hash of the original's store and position, the group, and the replay
    /// generation. Two copies that a crash left so have one id.
    #[must_use]
    pub fn derive(store: &str, position: &Position, group: &Group, generation: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [store, position.as_str(), group.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(generation.to_be_bytes());
        let text = data_encoding::BASE32_NOPAD.encode(&hash.finalize()[..8]);
        Self(SmolStr::new(text[..12].to_ascii_lowercase()))
    }

    /// Wraps an id that was derived earlier.
    #[must_use]
    pub fn from_stored(text: impl AsRef<str>) -> Self {
        Self(SmolStr::new(text))
    }

    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
