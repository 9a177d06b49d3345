//! The phases of a subscription, and its membership in the group.
//!
//! A member that hands messages out and hears nothing of them for longer than a lease leaves its group, so that others
//! get its partitions; the next call for messages makes it join again.

use std::time::{Duration, Instant};

/// Whether and how a subscription ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Running,
    /// Everything up to the end of a bounded subscription is settled.
    Reached,
    /// It commits and leaves the group.
    Closing,
    /// It has left.
    Closed,
    /// It was dropped.
    Abandoned,
}

impl Phase {
    /// Reports whether partitions are still read or committed.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Reached)
    }

    /// Reports whether nothing will be committed any more.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Abandoned)
    }
}

/// Membership in the group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Membership {
    /// It subscribed, and has no assignment since then.
    #[default]
    Joining,
    Member,
    /// It left, because its deliveries were not worked on.
    Left,
    /// The same, and messages were asked for since.
    Wanted,
}

/// The phase of a subscription, its membership, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    pub(crate) phase: Phase,
    membership: Membership,
    /// How often the group assigned partitions.
    assignments: u64,
    /// How often that was after joining.
    joins: u64,
    /// How many callers wait for messages.
    waiters: usize,
    /// When a caller last showed that it is alive.
    last_seen: Option<Instant>,
    /// A bounded subscription does not end before due retries of an earlier version's topic were moved.
    pub(crate) awaits_legacy_retries: bool,
    /// It neither delivers nor ends before every partition that it reads has an owner: a retry that it stored could be in
    /// a partition of nobody.
    pub(crate) awaits_owners: bool,
    /// A topic that it does not subscribe to for a moment, which makes the group rebalance.
    pub(crate) left_out: Option<String>,
}

impl Lifecycle {
    /// Notes an assignment.
    pub(crate) fn assigned(&mut self) {
        self.assignments += 1;
        if self.membership == Membership::Joining {
            self.membership = Membership::Member;
            self.joins += 1;
        }
    }

    /// Reports whether the group ever assigned partitions, or said that there are none.
    pub(crate) fn has_joined(&self) -> bool {
        self.assignments > 0
    }

    /// Counts assignments.
    pub(crate) fn assignments(&self) -> u64 {
        self.assignments
    }

    /// Counts assignments that followed a join.
    pub(crate) fn joins(&self) -> u64 {
        self.joins
    }

    /// Notes that the client joins: it subscribes for the first time, or after it left.
    pub(crate) fn joining(&mut self) {
        self.membership = Membership::Joining;
    }

    /// Notes that the group was left until messages are asked for.
    pub(crate) fn left(&mut self) {
        self.membership = Membership::Left;
    }

    /// Reports whether the group was left, and nothing was asked for since.
    pub(crate) fn has_left(&self) -> bool {
        self.membership == Membership::Left
    }

    /// Reports whether the group was left, and is to be joined again.
    pub(crate) fn must_rejoin(&self) -> bool {
        self.membership == Membership::Wanted
    }

    /// Notes that messages are asked for.
    pub(crate) fn wanted(&mut self) {
        if self.membership == Membership::Left {
            self.membership = Membership::Wanted;
        }
        self.seen();
    }

    /// Notes that a caller is alive.
    pub(crate) fn seen(&mut self) {
        self.last_seen = Some(Instant::now());
    }

    /// Notes a caller that waits for messages.
    pub(crate) fn begin_wait(&mut self) {
        self.waiters += 1;
    }

    /// Notes that a caller does not wait any more.
    pub(crate) fn end_wait(&mut self) {
        self.waiters -= 1;
        self.seen();
    }

    /// Reports whether no caller waits and none showed up for longer than a lease.
    pub(crate) fn is_unattended(&self, now: Instant, lease: Duration) -> bool {
        self.waiters == 0 && self.last_seen.is_none_or(|seen| now - seen > lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_left_rejoins_when_it_is_wanted() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.joining();
        lifecycle.assigned();
        lifecycle.assigned();
        assert_eq!((lifecycle.assignments(), lifecycle.joins()), (2, 1));
        lifecycle.wanted();
        assert!(!lifecycle.must_rejoin(), "it is a member");
        lifecycle.left();
        assert!(lifecycle.has_left() && !lifecycle.must_rejoin());
        lifecycle.wanted();
        assert!(lifecycle.must_rejoin() && !lifecycle.has_left());
        lifecycle.joining();
        lifecycle.assigned();
        assert_eq!((lifecycle.assignments(), lifecycle.joins()), (3, 2));
    }

    #[test]
    fn a_waiting_caller_attends() {
        let mut lifecycle = Lifecycle::default();
        let later = Instant::now() + Duration::from_mins(1);
        let lease = Duration::from_secs(30);
        assert!(lifecycle.is_unattended(later, lease));
        lifecycle.begin_wait();
        assert!(!lifecycle.is_unattended(later, lease));
        lifecycle.end_wait();
        assert!(lifecycle.is_unattended(later, lease));
        assert!(!lifecycle.is_unattended(Instant::now(), lease));
    }

    #[test]
    fn only_a_running_or_bounded_phase_is_active() {
        for (phase, is_active, is_over) in [
            (Phase::Running, true, false),
            (Phase::Reached, true, false),
            (Phase::Closing, false, false),
            (Phase::Closed, false, true),
            (Phase::Abandoned, false, true),
        ] {
            assert_eq!((phase.is_active(), phase.is_over()), (is_active, is_over));
        }
    }
}
