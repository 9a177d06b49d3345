//! The scheme of this transport; its errors come from the seam.

/// The URL scheme.
pub(super) const SCHEME: &str = "memory";
