//! Certificates of a connection, and why a TLS handshake failed: each reason with the parameter of the URL that fixes it.
//!
//! The client reads the files only while it connects, and reports what is wrong with them without their names.

use std::{fs, path::Path};

use super::config::Tls;
use crate::{
    backends::nats::error::error,
    transport::{ErrorKind, Result, TransportError},
};

/// What a handshake reports, why that is, and what to do about it.
const REASONS: [(&[&str], &str, &str); 7] = [
    (
        &["CertificateRequired"],
        "the server requires a client certificate",
        "add `cert=FILE` and `key=FILE` to the URL",
    ),
    (
        &["received fatal alert"],
        "the server does not accept the client certificate",
        "`cert=` names a certificate that the server's authority has issued, and `key=` its key",
    ),
    (
        &["could not add certificate or key"],
        "the client certificate and its key do not belong together",
        "`cert=` and `key=` in the URL name the two files",
    ),
    (
        &["UnknownIssuer"],
        "the issuer of the server's certificate is not known",
        "add `ca=FILE` with the certificate authority of the server to the URL",
    ),
    (
        &["Expired", "NotValidYet"],
        "the server's certificate is not valid at this time",
        "renew it, and check the clock of this machine",
    ),
    (
        &["NotValidForName"],
        "the server's certificate is for another host name",
        "write a host name of the certificate into the URL",
    ),
    (
        &["InvalidContentType", "corrupt message"],
        "the server does not use TLS",
        "write `nats://` instead of `tls://`",
    ),
];

/// Returns the error of a handshake that failed for this reason.
pub(crate) fn handshake_failed(reason: &str) -> TransportError {
    let known = REASONS
        .iter()
        .find(|(parts, ..)| parts.iter().any(|part| reason.contains(part)));
    match known {
        Some((_, why, hint)) => {
            let message = format!("the TLS handshake failed: {why}");
            error(ErrorKind::Configuration, message).hint(*hint)
        }
        None => error(ErrorKind::Configuration, "the TLS handshake failed"),
    }
}

/// Checks the files that the URL names before they are used.
pub(crate) fn check_files(tls: &Tls) -> Result<()> {
    check_file("ca", tls.authority.as_deref(), "CERTIFICATE-----")?;
    check_file("cert", tls.certificate.as_deref(), "CERTIFICATE-----")?;
    check_file("key", tls.key.as_deref(), "PRIVATE KEY-----")
}

fn check_file(parameter: &str, file: Option<&Path>, content: &str) -> Result<()> {
    let Some(file) = file else {
        return Ok(());
    };
    let shown = file.display();
    let bytes = fs::read(file).map_err(|source| {
        let message = format!("cannot read {shown}, which `{parameter}=` in the URL names");
        error(ErrorKind::Configuration, message).because(source)
    })?;
    if memchr::memmem::find(&bytes, content.as_bytes()).is_some() {
        return Ok(());
    }
    let kind = match parameter {
        "key" => "private key",
        _ => "certificate",
    };
    let message =
        format!("{shown}, which `{parameter}=` in the URL names, has no {kind} in PEM format");
    Err(error(ErrorKind::Configuration, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_names_the_setting() {
        for (reason, part) in [
            ("received fatal alert: CertificateRequired", "`cert=FILE`"),
            ("received fatal alert: UnknownCA", "`cert=`"),
            ("invalid peer certificate: UnknownIssuer", "`ca=FILE`"),
            ("invalid peer certificate: Expired", "renew"),
            (
                "received corrupt message of type InvalidContentType",
                "`nats://`",
            ),
        ] {
            let failed = handshake_failed(reason);
            assert_eq!(failed.kind(), ErrorKind::Configuration);
            assert!(failed.advice().unwrap().contains(part), "{failed}");
        }
        assert_eq!(handshake_failed("else").advice(), None);
    }
}
