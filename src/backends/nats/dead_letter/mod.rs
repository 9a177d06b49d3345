//! Dead letters: stored, read, counted, imported and captured from advisories.

pub(crate) mod advisories;
pub(crate) mod scan;
pub(crate) mod store;
