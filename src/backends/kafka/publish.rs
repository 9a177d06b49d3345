//! Publishing.

use std::sync::Arc;

use super::{connection::Link, error};
use crate::transport::{ErrorKind, Outgoing, Receipt, Result};

/// Publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    _link: Arc<Link>,
}

impl Publisher {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { _link: link }
    }

    pub(super) async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let refused = |_| Err(error(ErrorKind::Unsupported, "not there yet"));
        batch.iter().map(refused).collect()
    }
}
