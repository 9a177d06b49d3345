//! Waiting for spawned tasks.

use tokio::task::{JoinError, JoinHandle};

/// Waits for a task; `None` if the executor was shut down. A panic in the task continues here. Cancellation-safe.
pub(super) async fn joined<T>(task: &mut JoinHandle<T>) -> Option<T> {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(value) => Some(value),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}
