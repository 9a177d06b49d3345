//! The parts of a consumer.

use std::sync::Arc;

use super::options::ConsumeOptions;
use crate::{runtime::Observer, transport::Transport};

/// The parts of a consumer.
pub(super) struct Setup<H> {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) options: ConsumeOptions,
    pub(super) handler: H,
    pub(super) observer: Arc<dyn Observer>,
}
