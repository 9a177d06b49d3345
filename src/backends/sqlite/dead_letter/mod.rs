//! Dead letters: rows, selections as SQL, listing, counting and importing.

pub(crate) mod notes;
pub(crate) mod query;
pub(crate) mod row;
pub(crate) mod scan;
