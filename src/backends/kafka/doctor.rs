//! What will bite.

use std::sync::Arc;

use super::{connection::Link, error};
use crate::transport::{ErrorKind, Finding, Result};

pub(super) async fn diagnose(_link: &Arc<Link>) -> Result<Vec<Finding>> {
    Err(error(ErrorKind::Unsupported, "not there yet"))
}

pub(super) async fn mend(_link: &Arc<Link>, _finding: &str) -> Result<()> {
    Err(error(ErrorKind::Unsupported, "not there yet"))
}
