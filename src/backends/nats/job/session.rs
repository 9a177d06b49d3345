//! What a process keeps of a job from one step to the next: its state, the open read, and what it knows of the plan.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::Mutex as AsyncMutex;

use crate::{
    backends::nats::{
        connection::{handle::Connection, kv::Versioned},
        job::{
            entry::JobEntry,
            journal::Journal,
            letters::{ack_origin::AckFloors, prefetch::Prefetch},
            plan::{self, Plan},
            step_state::{Account, Event, StepState},
        },
    },
    lock::Mutex,
    transport::{DeadLetterId, JobLease, ReplayEdit, Resolution, Result},
};

/// The session of a job.
#[derive(Debug, Default)]
pub(crate) struct JobSession {
    state: Mutex<StepState>,
    pub(crate) prefetch: Prefetch,
    planned: AsyncMutex<Option<PlannedEntries>>,
    /// The sequences up to which consumers have acknowledged everything.
    pub(crate) ack_floors: AsyncMutex<AckFloors>,
    /// The dead letters whose outcome was returned as unknown, and the token of the lease.
    named: Mutex<(u64, HashSet<DeadLetterId>)>,
}

/// The next dead letters of a job, as far as its plan was read.
#[derive(Debug)]
struct PlannedEntries {
    token: u64,
    /// The index of the first of them in the plan.
    from: u64,
    entries: Vec<JobEntry>,
}

/// One step of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) lease: &'a JobLease,
    pub(crate) plan: &'a Plan,
    pub(crate) edit: Option<&'a Arc<dyn ReplayEdit>>,
}

impl JobSession {
    /// Changes the state.
    pub(crate) fn apply(&self, event: &Event<'_>) {
        self.state.lock().apply(event);
    }

    /// Reports whether the last step was interrupted.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.state.lock().is_interrupted()
    }

    /// Returns what was returned under a lease, if a step was made under it.
    pub(crate) fn account(&self, lease: &JobLease) -> Option<Account> {
        self.state.lock().account(lease.token).cloned()
    }

    /// Notes the dead letters whose outcome is returned as unknown.
    pub(crate) fn note_named(&self, lease: &JobLease, outcomes: &[(DeadLetterId, Resolution)]) {
        let mut named = self.named.lock();
        if named.0 != lease.token {
            *named = (lease.token, HashSet::new());
        }
        let unknown = outcomes.iter();
        let unknown =
            unknown.filter(|(_, outcome)| matches!(outcome, Resolution::Ambiguous { .. }));
        named.1.extend(unknown.map(|(id, _)| id.clone()));
    }

    /// Returns those that earlier workers left unknown, as they may have crashed before they returned that.
    pub(crate) fn unnamed(
        &self,
        lease: &JobLease,
        journal: &Journal,
    ) -> Vec<(DeadLetterId, Resolution)> {
        let named = self.named.lock();
        let is_named = |id: &DeadLetterId| named.0 == lease.token && named.1.contains(id);
        let unknown = journal.in_doubt.unknown().iter().filter(|id| !is_named(id));
        let outcome = |id: &DeadLetterId| {
            let reason = "it may have been published before an earlier worker crashed".to_owned();
            (id.clone(), Resolution::Ambiguous { reason })
        };
        unknown.map(outcome).collect()
    }

    /// Removes the dead letters from a journal that were deleted since it was stored.
    pub(crate) fn forget_deleted(&self, journal: &mut Versioned<Journal>) {
        if self.state.lock().is_cleaned(journal.revision) {
            journal.value.remove.clear();
            journal.value.archive_note = None;
        }
    }

    /// Notes that the dead letters that a journal lists were deleted.
    pub(crate) fn note_deleted(&self, journal: &mut Versioned<Journal>) {
        self.apply(&Event::LettersDeleted {
            revision: journal.revision,
            sequences: &journal.value.remove,
        });
        journal.value.remove.clear();
        journal.value.archive_note = None;
    }

    /// Returns at most `max` dead letters of a job, from an index of its plan on.
    pub(crate) async fn entries(
        &self,
        connection: &Connection,
        step: Step<'_>,
        from: u64,
        max: usize,
    ) -> Result<Vec<JobEntry>> {
        let token = step.lease.token;
        let mut planned = self.planned.lock().await;
        let follows = |known: &PlannedEntries| {
            known.token == token && known.from == from && !known.entries.is_empty()
        };
        let mut entries = match planned.take().filter(follows) {
            Some(known) => known.entries,
            None => plan::entries(connection, &step.lease.job, step.plan, from).await?,
        };
        let rest = entries.split_off(max.min(entries.len()));
        *planned = Some(PlannedEntries {
            token,
            from: from + entries.len() as u64,
            entries: rest,
        });
        Ok(entries)
    }

    /// Puts back the last dead letters that were returned, as the step does not take them.
    pub(crate) async fn put_back(&self, entries: &[JobEntry]) {
        if let Some(planned) = &mut *self.planned.lock().await {
            planned.from -= entries.len() as u64;
            planned.entries.splice(..0, entries.iter().cloned());
        }
    }
}
