//! Membership in a group.

use std::sync::Arc;

use super::{connection::Link, error};
use crate::transport::{ErrorKind, Result, SubscribeRequest, Subscription};

pub(super) async fn join(
    _link: &Arc<Link>,
    _request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    Err(error(ErrorKind::Unsupported, "not there yet"))
}
