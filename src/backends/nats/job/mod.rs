//! Jobs on dead letters: replay and purge.

pub(crate) mod advance;
pub(crate) mod in_doubt;
pub(crate) mod journal;
pub(crate) mod letters;
pub(crate) mod lifecycle;
pub(crate) mod reported;
pub(crate) mod session;
