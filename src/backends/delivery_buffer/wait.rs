//! Waiting on a `Notify` without missing a notification.

use std::{pin::pin, time::Duration};

use tokio::{sync::Notify, time::timeout};

/// Waits until `look` finds something; looks now, and after each notification.
///
/// The notification is registered before the look. The other way round, one that comes between the look and the wait would
/// wake nobody, and the waiter would sleep beside a full buffer.
pub(crate) async fn wait_until<T>(changed: &Notify, mut look: impl FnMut() -> Option<T>) -> T {
    let mut notified = pin!(changed.notified());
    loop {
        notified.as_mut().enable();
        if let Some(found) = look() {
            return found;
        }
        notified.as_mut().await;
        notified.set(changed.notified());
    }
}

/// Does what [`wait_until`] does, and looks again once the time has passed that the last look returned.
pub(crate) async fn wait_until_due<T>(
    changed: &Notify,
    mut look: impl FnMut() -> Result<T, Duration>,
) -> T {
    let mut notified = pin!(changed.notified());
    loop {
        notified.as_mut().enable();
        let pause = match look() {
            Ok(found) => return found,
            Err(pause) => pause,
        };
        // Which of the two it was does not matter.
        let _ = timeout(pause, notified.as_mut()).await;
        notified.set(changed.notified());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    use super::*;

    /// A notification in the middle of a look is the one that is easily missed.
    #[tokio::test]
    async fn a_notification_during_a_look_is_not_missed() {
        let changed = Notify::new();
        let looks = Cell::new(0);
        let found = wait_until(&changed, || {
            looks.set(looks.get() + 1);
            changed.notify_waiters();
            (looks.get() == 3).then_some("found")
        });
        assert_eq!(found.await, "found");
    }

    #[tokio::test]
    async fn a_waiter_wakes_for_either_kind_of_notification() {
        for notify in [Notify::notify_one, Notify::notify_waiters] {
            let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
            let waiter = tokio::spawn({
                let shared = Arc::clone(&shared);
                async move {
                    wait_until(&shared.0, || shared.1.load(Ordering::Acquire).then_some(())).await;
                }
            });
            tokio::task::yield_now().await;
            shared.1.store(true, Ordering::Release);
            notify(&shared.0);
            waiter.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_repeated_when_its_time_has_come() {
        let changed = Notify::new();
        let start = tokio::time::Instant::now();
        let due = Duration::from_secs(5);
        let found = wait_until_due(&changed, || {
            let left = due.saturating_sub(start.elapsed());
            if left.is_zero() { Ok(()) } else { Err(left) }
        });
        found.await;
        assert_eq!(start.elapsed(), due);
    }
}
