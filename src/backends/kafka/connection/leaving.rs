//! Threads that leave a group in order: until one has, the group waits for it.

use std::time::Duration;

use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::timeout,
};

use crate::lock::Mutex;

/// How long they are waited for; without a broker they cannot leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// Threads that are members of a group.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Mutex<Vec<oneshot::Receiver<()>>>);

/// Held by a thread until it has left.
pub(crate) type Member = oneshot::Sender<()>;

impl Leaving {
    /// Notes another one, and forgets those that have left.
    pub(crate) fn enter(&self) -> Member {
        let (member, left) = oneshot::channel();
        let mut all = self.0.lock();
        all.retain_mut(|one| matches!(one.try_recv(), Err(TryRecvError::Empty)));
        all.push(left);
        member
    }

    /// Waits until they have left: they were told to.
    pub(crate) async fn have_left(&self) {
        let all = std::mem::take(&mut *self.0.lock());
        let left = async {
            for one in all {
                // Its end is an error here: it says nothing.
                let _ = one.await;
            }
        };
        if timeout(PATIENCE, left).await.is_err() {
            tracing::debug!("a group waits until a member of ours is taken for dead");
        }
    }
}
