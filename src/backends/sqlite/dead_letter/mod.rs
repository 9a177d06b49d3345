//! Dead letters: rows, selections, listing and counting.

pub(crate) mod query;
pub(crate) mod row;
pub(crate) mod scan;
