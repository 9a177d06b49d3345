//! `pf dlq export` and `pf dlq import`: dead letters on lines of NDJSON, byte for byte, and back.

mod export;
mod import;
pub mod mask;

pub use self::{
    export::{ExportArgs, write_all},
    import::ImportArgs,
};
