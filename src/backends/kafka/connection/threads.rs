//! Threads: librdkafka's clients block, so whatever polls one has a thread of its own and leaves the runtime free.

use std::thread::{Builder, JoinHandle};

use crate::{
    backends::kafka::error::error,
    transport::{ErrorKind, Result},
};

/// Starts a thread under a name, which debuggers and `top -H` show.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|source| error(ErrorKind::Other, "cannot start a thread").because(source))
}
