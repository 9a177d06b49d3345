//! `pf dlq archive`, `restore`, `fixed`, `log` and `policy`: what operators note down in the store.

mod archive;
mod fixed;
mod log;
mod policy;

pub use self::{
    archive::{ArchiveArgs, RestoreArgs},
    fixed::FixedArgs,
    log::LogArgs,
    policy::PolicyCommand,
};
