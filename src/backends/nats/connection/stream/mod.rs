//! The streams that belong to a URL: what they allow, how they are created, what they cover and keep.

pub(crate) mod coverage;
pub(crate) mod info;
pub(crate) mod retention;
pub(crate) mod topics;
