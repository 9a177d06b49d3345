//! Data in protobuf as JSON and back, by schemas that are given as files.
//!
//! Stored bytes are never re-encoded: an encoding is not deterministic, and JSON has no unknown fields. JSON is only what
//! people and handlers see, and what a publisher writes.

mod error;
mod files;
pub(crate) mod framing;
mod json;
mod rule;
mod schemas;

pub use self::{
    error::ProtobufError,
    files::SchemaFiles,
    json::Decoded,
    rule::MessageRule,
    schemas::{Schemas, type_url, with_json},
};
