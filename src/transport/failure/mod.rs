//! Failed handler runs, and the fingerprints by which they are grouped.

mod describe;
mod failed_run;
mod normalise;

pub use self::{
    describe::{describe_failure, fingerprint},
    failed_run::{Failure, Fingerprint},
};
