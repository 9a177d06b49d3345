//! A mutex and a condition variable without poisoning.
//!
//! A panic in a handler is a failed run, never the end of the process, so another thread's panic says nothing about the
//! state behind a lock: every critical section here leaves it valid at each step. With the standard library's
//! types each caller would have to say so again.

use std::sync::{self, MutexGuard, PoisonError};

/// A mutex whose `lock` cannot fail.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Creates an unlocked mutex.
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for guards of a [`Mutex`].
#[cfg(any(feature = "kafka", feature = "sqlite"))]
#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

#[cfg(any(feature = "kafka", feature = "sqlite"))]
impl Condvar {
    /// Creates a condition variable that nobody waits for.
    pub(crate) const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Wakes every waiting thread.
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Unlocks, waits for a notification for at most `limit`, and locks again.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: std::time::Duration,
    ) -> MutexGuard<'a, T> {
        let waited = self.0.wait_timeout(guard, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
