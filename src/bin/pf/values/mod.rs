//! Values of the command line: parsed, checked, and corrected where a name is misspelled.

pub mod ids;
pub mod nearest;
pub mod times;
pub mod topics;
