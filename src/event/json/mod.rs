//! JSON without a tree: a scanner, a walk over members, and a writer.

pub(in crate::event) mod scanner;
pub(in crate::event) mod walk;
pub(in crate::event) mod write;
