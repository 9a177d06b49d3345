//! An extension attribute as it is read and written.

use std::borrow::Cow;

/// A name, and its value as JSON.
pub(in crate::event) type Extension<'a> = (Cow<'a, str>, Cow<'a, str>);
