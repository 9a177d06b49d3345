//! The streams that belong to a URL: settings, creation, coverage of subjects, retention.

pub(crate) mod coverage;
pub(crate) mod info;
pub(crate) mod retention;
pub(crate) mod setup;
pub(crate) mod topics;
