//! The state of a job from one step to the next, as one machine.
//!
//! A step resolves dead letters and returns their outcomes, but those are two things: it can fail after half of its
//! work, and a caller that cancels it has its work done without the outcomes. The journal knows what is resolved; only
//! this state knows which outcomes were returned, and whether the last step has left work unfinished.
//!
//! ```text
//!                  StepStarted              StepFinished
//!        Idle ───────────────► Stepping ──────────────────► Settled
//!         ▲                    │     ▲                      │    │
//!         │       (failed or   │     └──────────────────────┘    │
//!         │        dropped: it │            StepStarted          │
//!         │        stays here) │                                 │
//!         └────────────────────┴─────────────────────────────────┘
//!                                 Released
//! ```
//!
//! The next step finds an interrupted one in `Stepping`: it fences the writes that may still be on their way, finishes the
//! work and applies `StepFinished`.

use std::collections::HashSet;

/// What happens to a job.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A step starts under a lease. The outcomes of all dead letters that the journal counts were returned.
    StepStarted {
        /// The fencing token of the lease.
        token: u64,
        /// How many dead letters the journal counts.
        resolved: u64,
    },
    /// The dead letters that a revision of the journal lists were deleted.
    LettersDeleted {
        /// The revision.
        revision: u64,
        /// The sequences.
        sequences: &'a [u64],
    },
    /// The outcomes of this many dead letters have been returned, those of earlier steps and workers included.
    OutcomesReturned(u64),
    /// The step, or the recovery of an interrupted one, has done all of its work.
    StepFinished,
    /// The lease was released.
    Released,
}

/// The outcomes that were returned under a lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    token: u64,
    /// How many outcomes were returned, those of earlier workers included.
    pub(crate) returned: u64,
    /// The sequences of deleted dead letters whose outcomes were not returned.
    pub(crate) deleted: HashSet<u64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No step was made under the current lease.
    #[default]
    Idle,
    /// A step runs, or was interrupted.
    Stepping(Account),
    /// The last step, or its recovery, has finished.
    Settled(Account),
}

/// The state of a job from one step to the next.
#[derive(Debug, Default)]
pub(crate) struct StepState {
    phase: Phase,
    /// The revision of the last journal whose dead letters were deleted.
    cleaned: u64,
}

impl StepState {
    /// Changes the state; the only place that does.
    pub(crate) fn apply(&mut self, event: &Event<'_>) {
        if let Event::LettersDeleted { revision, .. } = event {
            self.cleaned = *revision;
        }
        self.phase = match (std::mem::take(&mut self.phase), event) {
            (_, Event::StepStarted { token, resolved }) => Phase::Stepping(Account {
                token: *token,
                returned: *resolved,
                deleted: HashSet::new(),
            }),
            (Phase::Stepping(account), Event::StepFinished) => Phase::Settled(account),
            (Phase::Stepping(account), event) => match account.after(event) {
                Some(account) => Phase::Stepping(account),
                None => Phase::Idle,
            },
            (Phase::Settled(account), event) => match account.after(event) {
                Some(account) => Phase::Settled(account),
                None => Phase::Idle,
            },
            (Phase::Idle, _) => Phase::Idle,
        };
    }

    /// Reports whether the last step was interrupted, so that some of its work may be missing or still on its way.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(self.phase, Phase::Stepping(_))
    }

    /// Returns what was returned under a lease, if a step was made under it.
    pub(crate) fn account(&self, token: u64) -> Option<&Account> {
        match &self.phase {
            Phase::Stepping(account) | Phase::Settled(account) => {
                Some(account).filter(|account| account.token == token)
            }
            Phase::Idle => None,
        }
    }

    /// Reports whether the dead letters that a revision of the journal lists were deleted.
    pub(crate) fn is_cleaned(&self, revision: u64) -> bool {
        self.cleaned == revision
    }
}

impl Account {
    /// Returns the account after an event; none if that ends it.
    fn after(mut self, event: &Event<'_>) -> Option<Self> {
        match event {
            Event::LettersDeleted { sequences, .. } => self.deleted.extend(*sequences),
            Event::OutcomesReturned(count) => self.returned = *count,
            Event::StepStarted { .. } | Event::StepFinished => {}
            Event::Released => return None,
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: Event<'_> = Event::StepStarted {
        token: 7,
        resolved: 10,
    };

    fn after(events: &[Event<'_>]) -> StepState {
        let mut state = StepState::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    fn returned(state: &StepState, token: u64) -> Option<u64> {
        state.account(token).map(|account| account.returned)
    }

    #[test]
    fn nothing_is_known_before_the_first_step() {
        let state = after(&[]);
        assert!(!state.is_interrupted());
        assert_eq!(state.account(7), None);
    }

    #[test]
    fn a_finished_step_is_not_interrupted() {
        let state = after(&[STARTED, Event::OutcomesReturned(15), Event::StepFinished]);
        assert!(!state.is_interrupted());
        assert_eq!(returned(&state, 7), Some(15));
    }

    #[test]
    fn a_step_that_failed_or_was_dropped_is_interrupted_until_it_is_recovered() {
        let mut state = after(&[STARTED]);
        assert!(state.is_interrupted());
        assert_eq!(
            returned(&state, 7),
            Some(10),
            "its outcomes were not returned"
        );
        state.apply(&Event::StepFinished);
        assert!(!state.is_interrupted());
        assert_eq!(returned(&state, 7), Some(10), "they still have to be");
    }

    #[test]
    fn a_failed_step_keeps_the_outcomes_that_it_returned() {
        let state = after(&[STARTED, Event::OutcomesReturned(12)]);
        assert!(state.is_interrupted());
        assert_eq!(returned(&state, 7), Some(12));
    }

    #[test]
    fn deleted_letters_are_known_until_the_next_step() {
        let deleted = Event::LettersDeleted {
            revision: 3,
            sequences: &[1, 2],
        };
        let mut state = after(&[STARTED, deleted]);
        assert!(state.is_cleaned(3) && !state.is_cleaned(4));
        let account = state.account(7).unwrap();
        assert_eq!(account.deleted, HashSet::from([1, 2]));
        state.apply(&Event::StepFinished);
        state.apply(&STARTED);
        assert!(state.account(7).unwrap().deleted.is_empty());
        assert!(state.is_cleaned(3));
    }

    #[test]
    fn another_lease_has_another_account() {
        let state = after(&[STARTED, Event::StepFinished]);
        assert_eq!(state.account(8), None);
    }

    #[test]
    fn a_released_lease_leaves_nothing_behind() {
        for events in [
            vec![STARTED, Event::Released],
            vec![STARTED, Event::StepFinished, Event::Released],
        ] {
            let state = after(&events);
            assert!(!state.is_interrupted());
            assert_eq!(state.account(7), None);
        }
    }
}
