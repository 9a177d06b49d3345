//! The hash of a plan, by which an altered plan file is recognised.

use sha2::{Digest as _, Sha256};

use crate::{
    runtime::triage::Becomes,
    transport::{DeadLetterId, JobAction},
};

/// The hash of a plan: of its action and of the ids of its dead letters, in order.
#[derive(Debug)]
pub struct PlanHash(Sha256);

impl PlanHash {
    /// Begins with the action.
    #[must_use]
    pub fn new(action: &JobAction) -> Self {
        let mut hash = Sha256::new();
        // An action cannot fail to serialise.
        hash.update(serde_json::to_vec(action).unwrap_or_default());
        Self(hash)
    }

    /// Adds a dead letter.
    pub fn add(&mut self, id: &DeadLetterId) {
        self.0.update(b"\n");
        self.0.update(id.as_str());
    }

    /// Adds the edit of the dead letters.
    pub fn edit(&mut self, program: &str) {
        self.0.update(b"\nedit ");
        self.0.update(program);
    }

    /// Adds a dead letter and what it becomes.
    pub fn add_edited(&mut self, id: &DeadLetterId, becomes: &Becomes) {
        self.add(id);
        let digest = String::from(becomes.digest);
        for part in [becomes.becomes.as_str(), &digest] {
            self.0.update(b" ");
            self.0.update(part);
        }
    }

    /// Returns the hash.
    #[must_use]
    pub fn finish(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0.finalize())
    }
}
