//! Dead letters: stored in a stream of their own, read, counted, imported, and captured from advisories.

pub(crate) mod advisories;
pub(crate) mod decode;
pub(crate) mod foreign;
pub(crate) mod import;
pub(crate) mod notes;
pub(crate) mod scan;
pub(crate) mod settled;
pub(crate) mod stats;
pub(crate) mod store;
