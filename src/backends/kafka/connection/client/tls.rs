//! Failures of TLS, and the setting that each is about.

/// The failures by what OpenSSL or librdkafka says of each: part of the text, whether it cannot pass by itself, and what to
/// set.
const FAILURES: [(&str, bool, &str); 12] = [
    (
        "certificate verify failed",
        true,
        "`ssl.ca.location` names the certificates that the broker's is checked against",
    ),
    (
        "hostname mismatch",
        true,
        "the broker's certificate is for another host; `ssl.endpoint.identification.algorithm=none` does not check that",
    ),
    (
        "IP address mismatch",
        true,
        "the broker's certificate is for another host; `ssl.endpoint.identification.algorithm=none` does not check that",
    ),
    ("certificate required", true, CLIENT),
    ("bad certificate", true, CLIENT),
    ("unknown ca", true, CLIENT),
    ("certificate unknown", true, CLIENT),
    ("handshake failure", true, CLIENT),
    (
        "protocol version",
        true,
        "the broker accepts other versions of TLS; `ssl.cipher.suites` and the broker's `ssl.enabled.protocols` say which",
    ),
    // A broker that goes away in the middle of a handshake looks the same.
    ("PLAINTEXT broker listener", false, NO_TLS),
    ("wrong version number", false, NO_TLS),
    (
        "connecting to a SSL listener",
        false,
        "the broker expects TLS there: set `security.protocol=ssl`, or `sasl_ssl` with a login",
    ),
];

const CLIENT: &str = "the broker refuses this client's certificate: `ssl.certificate.location` and `ssl.key.location` say which it shows";
const NO_TLS: &str =
    "the broker does not speak TLS there: leave out `security.protocol`, or use its TLS port";

/// A failure of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TlsFailure {
    /// Whether it can only be a wrong setting, and not a broker that went away.
    pub(super) is_certain: bool,
    pub(super) hint: &'static str,
}

/// Returns the failure of TLS that a reason reports.
pub(super) fn failure(reason: &str) -> Option<TlsFailure> {
    let reason = reason.to_ascii_lowercase();
    let mut known = FAILURES.iter();
    let found = known.find(|(text, ..)| reason.contains(&text.to_ascii_lowercase()));
    found.map(|(_, is_certain, hint)| TlsFailure {
        is_certain: *is_certain,
        hint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_names_its_setting() {
        for (reason, is_certain, setting) in [
            (
                "ssl://h:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified",
                true,
                "ssl.ca.location",
            ),
            (
                "SSL handshake failed: ssl/record/rec_layer_s3.c:916: error:0A00045C:SSL routines::tlsv13 alert certificate required: SSL alert number 116",
                true,
                "ssl.certificate.location",
            ),
            (
                "SSL handshake failed: error:0A00010B:SSL routines::wrong version number: connecting to a PLAINTEXT broker listener?",
                false,
                "security.protocol",
            ),
            (
                "Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?)",
                false,
                "security.protocol=ssl",
            ),
        ] {
            let failure = failure(reason).unwrap();
            assert_eq!(failure.is_certain, is_certain, "{reason}");
            assert!(failure.hint.contains(setting), "{}", failure.hint);
        }
        assert_eq!(
            failure("Connect to ipv4#h:1 failed: Connection refused"),
            None
        );
    }
}
