//! The policy of a store: what triage must not do. A guardrail for people and scripts; the rights of the broker are the lock.

use serde::{Deserialize, Serialize};

use super::{name, put};
use crate::{
    event::{Pattern, Topic},
    transport::{
        DeadLetter, DeadLetterRecord, JobAction, Result as Answer, Transport, TransportError,
    },
};

const POLICY: &str = "policy";

/// What stands in place of a masked value.
pub(super) const MASK: &str = "***";

/// What triage must not do in a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Nothing may be changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Fingerprints, or their beginnings, whose dead letters are not replayed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never_replay: Vec<String>,
    /// The most dead letters per second of a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<f64>,
    /// The topics that a replay may publish to, as patterns; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Paths of a record that an export masks, in jq.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
}

/// An error of a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The text is no policy.
    #[error("the policy cannot be read: {0}")]
    Invalid(String),
    /// The policy of the store forbids it.
    #[error("the policy of this store forbids it: {0}")]
    Forbidden(String),
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Policy {
    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// If it is not one: an unknown member, a wrong type, a rate that is not positive, a target that is not a pattern.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        // Serde would read an empty array as an object without members.
        if !text.trim_start().starts_with('{') {
            return Err(PolicyError::Invalid("it is not a JSON object".to_owned()));
        }
        let invalid = |error: serde_json::Error| PolicyError::Invalid(error.to_string());
        let policy: Self = serde_json::from_str(text).map_err(invalid)?;
        if policy
            .max_rate
            .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
        {
            let reason = "`max-rate` is not a positive number";
            return Err(PolicyError::Invalid(reason.to_owned()));
        }
        for target in &policy.targets {
            let pattern = target.parse::<Pattern>();
            pattern.map_err(|error| PolicyError::Invalid(format!("`targets`: {error}")))?;
        }
        Ok(policy)
    }

    fn allows_target(&self, topic: &Topic) -> bool {
        let covers = |text: &String| {
            let pattern = text.parse::<Pattern>();
            pattern.is_ok_and(|pattern| pattern.matches(topic))
        };
        self.targets.is_empty() || self.targets.iter().any(covers)
    }
}

/// The policies that hold: that of the store, and local ones, which can only forbid more.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guard(Vec<Policy>);

impl Guard {
    /// Adds a policy.
    pub fn add(&mut self, policy: Policy) {
        self.0.push(policy);
    }

    /// Fails if nothing may be changed.
    ///
    /// # Errors
    /// [`PolicyError::Forbidden`].
    pub fn check_writable(&self) -> Result<(), PolicyError> {
        if self.0.iter().any(|policy| policy.read_only) {
            return Err(PolicyError::Forbidden("it is read-only".to_owned()));
        }
        Ok(())
    }

    /// Fails if a job may not run: a policy may have been set after it was planned.
    ///
    /// # Errors
    /// [`PolicyError::Forbidden`].
    pub fn check_action(&self, action: &JobAction) -> Result<(), PolicyError> {
        self.check_writable()?;
        action.to().map_or(Ok(()), |topic| self.check_target(topic))
    }

    /// Fails if a replay may not publish to this topic.
    ///
    /// # Errors
    /// [`PolicyError::Forbidden`].
    pub fn check_target(&self, topic: &Topic) -> Result<(), PolicyError> {
        if self.0.iter().all(|policy| policy.allows_target(topic)) {
            return Ok(());
        }
        let reason = format!("`{topic}` is not one of its targets");
        Err(PolicyError::Forbidden(reason))
    }

    /// Reports whether the policies limit what is replayed, or where to.
    #[must_use]
    pub fn limits_replays(&self) -> bool {
        let limits =
            |policy: &Policy| !policy.never_replay.is_empty() || !policy.targets.is_empty();
        self.0.iter().any(limits)
    }

    /// Fails if a dead letter may not be replayed.
    ///
    /// # Errors
    /// [`PolicyError::Forbidden`].
    pub fn check_replay_of(&self, letter: &DeadLetter) -> Result<(), PolicyError> {
        if self.allows_replay_of(&letter.record) {
            return Ok(());
        }
        let (id, fingerprint) = (&letter.id, &letter.record.failure.fingerprint.0);
        let reason = format!("{id} has the fingerprint {fingerprint}, which is never replayed");
        Err(PolicyError::Forbidden(reason))
    }

    /// Reports whether a dead letter may be replayed.
    #[must_use]
    pub fn allows_replay_of(&self, record: &DeadLetterRecord) -> bool {
        let fingerprint = &record.failure.fingerprint;
        let mut never = self.0.iter().flat_map(|policy| &policy.never_replay);
        !never.any(|text| fingerprint.begins_with(text))
    }

    /// Returns the rate of a replay: the wanted one, or less.
    #[must_use]
    pub fn rate(&self, wanted: Option<f64>) -> Option<f64> {
        let most = self.0.iter().filter_map(|policy| policy.max_rate);
        most.chain(wanted).reduce(f64::min)
    }

    /// Returns the paths that an export masks.
    pub fn masks(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|policy| &policy.mask)
            .map(String::as_str)
    }
}

/// Reads the policy of a store; none forbids nothing.
pub(in crate::runtime::triage) async fn load(
    transport: &dyn Transport,
) -> Result<Policy, PolicyError> {
    let notes = transport.dead_letters().notes(&name(POLICY)).await?;
    let text = notes.first().map(|note| note.value.as_str());
    text.map_or_else(|| Ok(Policy::default()), Policy::from_json)
}

/// Stores the policy.
pub(in crate::runtime::triage) async fn store(
    transport: &dyn Transport,
    policy: &Policy,
) -> Answer<()> {
    put(transport, &name(POLICY), policy).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::from_json(text).unwrap()
    }

    #[test]
    fn a_policy_is_read_strictly() {
        assert_eq!(policy("{}"), Policy::default());
        for text in [
            "",
            "[]",
            r#"{"read-olny":true}"#,
            r#"{"max-rate":0}"#,
            r#"{"max-rate":-1}"#,
        ] {
            assert!(Policy::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn two_policies_forbid_what_either_forbids() {
        let mut guard = Guard::default();
        guard.add(policy(r#"{"max-rate":10,"targets":["order.**"]}"#));
        guard.add(policy(
            r#"{"max-rate":50,"read-only":true,"targets":["order.created","mail.*"]}"#,
        ));
        assert_eq!(
            (guard.rate(Some(5.0)), guard.rate(None)),
            (Some(5.0), Some(10.0))
        );
        assert!(guard.check_writable().is_err());
        let allows = |topic: &str| guard.check_target(&topic.parse().unwrap()).is_ok();
        assert!(allows("order.created"));
        assert!(!allows("order.paid") && !allows("mail.sent"));
    }
}
