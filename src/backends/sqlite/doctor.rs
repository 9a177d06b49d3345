//! What will bite, and mending what can be mended.

use std::sync::Arc;

use crate::transport::{ErrorKind, Finding, FindingLevel, Result};

use super::{config::Config, error::refusal, reader::Reader, writer::Writer};

/// Checks the store.
pub(super) async fn diagnose(
    _config: &Config,
    _writer: &Writer,
    reader: &Arc<Reader>,
) -> Result<Vec<Finding>> {
    let integrity = reader
        .read(|connection| {
            Ok(connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?)
        })
        .await?;
    Ok(vec![Finding {
        name: "integrity".to_owned(),
        level: if integrity == "ok" {
            FindingLevel::Ok
        } else {
            FindingLevel::Problem
        },
        text: integrity,
        mend: None,
    }])
}

/// Mends a finding.
pub(super) async fn mend(_config: &Config, _writer: &Writer, finding: &str) -> Result<()> {
    Err(refusal(
        ErrorKind::Unsupported,
        format!("`{finding}` cannot be mended from here"),
    ))
}
