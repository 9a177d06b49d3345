//! Waiting for tasks.

use tokio::task::{JoinError, JoinHandle};

/// Waits for a task; none if the executor shut down under it. A panic in it goes on here. May be dropped.
pub(super) async fn joined<T>(task: &mut JoinHandle<T>) -> Option<T> {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(value) => Some(value),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}
