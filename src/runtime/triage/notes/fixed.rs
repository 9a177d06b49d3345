//! Fingerprints that an operator called fixed: a later dead letter of one is a regression.

use std::{collections::HashMap, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{name, put, read};
use crate::transport::{DeadLetter, Fingerprint, Result as Answer, Transport};

const FIXED: &str = "fixed";

/// A fix of the failures of one fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The fingerprint, as `pf dlq stats` shows it.
    pub fingerprint: Fingerprint,
    /// The version of the handler in which it is fixed.
    #[serde(rename = "in")]
    pub version: String,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The operator.
    pub who: String,
    /// The time of the fix: later dead letters are regressions.
    #[serde(with = "crate::transport::stamp")]
    pub time: SystemTime,
}

/// Stores that a fingerprint is fixed.
pub(in crate::runtime::triage) async fn store(transport: &dyn Transport, fix: &Fix) -> Answer<()> {
    put(transport, &name(FIXED).child(&fix.fingerprint.0), fix).await
}

/// The fingerprints that are fixed.
#[derive(Debug, Default)]
pub(in crate::runtime::triage) struct Fixes(HashMap<Fingerprint, Fix>);

impl Fixes {
    /// Reads them.
    pub(in crate::runtime::triage) async fn read(transport: &dyn Transport) -> Answer<Self> {
        let fixes = read::<Fix>(transport, &name(FIXED)).await?.into_iter();
        let by_fingerprint = fixes.map(|(_, fix)| (fix.fingerprint.clone(), fix));
        Ok(Self(by_fingerprint.collect()))
    }

    /// Returns the fix that a dead letter shows to be none, and forgets it: only the first one marks the regression.
    pub(in crate::runtime::triage) fn take_refuted(&mut self, letter: &DeadLetter) -> Option<Fix> {
        let record = &letter.record;
        let fix = self.0.get(&record.failure.fingerprint)?;
        let is_refuted = record.dead_lettered_at > fix.time;
        is_refuted.then(|| self.0.remove(&record.failure.fingerprint))?
    }

    /// Returns all of them, in order of fingerprint.
    pub(in crate::runtime::triage) fn into_list(self) -> Vec<Fix> {
        let mut fixes: Vec<_> = self.0.into_values().collect();
        fixes.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        fixes
    }
}
