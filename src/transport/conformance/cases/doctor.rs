//! Findings are fixed by name.

use crate::transport::ErrorKind;
use crate::transport::conformance::harness::Harness;

/// Fixing a finding that does not exist is an error of one kind, whatever its name looks like.
pub(crate) async fn an_unknown_finding_is_not_found(harness: &Harness) {
    for name in ["no-such-finding", "no-such-finding.of-this-name"] {
        let fixed = harness.transport.fix(name).await;
        let error = fixed.expect_err("there is no such finding");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}
