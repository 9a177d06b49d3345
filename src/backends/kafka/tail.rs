//! Reading without a group.

use std::sync::Arc;

use super::{connection::Link, error};
use crate::transport::{ErrorKind, Result, Tail, TailRequest};

pub(super) async fn open(_link: &Arc<Link>, _request: TailRequest) -> Result<Box<dyn Tail>> {
    Err(error(ErrorKind::Unsupported, "not there yet"))
}
