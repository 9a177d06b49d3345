//! `sslmode`, against a server with TLS and one without.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use protoflow::{outbox::Outbox, transport::ErrorKind};
use test_support::postgres::Postgres;

use crate::harness::outbox;

/// Certificates for `localhost`, and one of another authority.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, host) in [("ca", "authority"), ("other", "stranger")] {
            let subject = format!("/CN={host}");
            let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
            let new = [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            ];
            let rest = [&subject, "-keyout", &key, "-out", &certificate];
            openssl(folder.path(), &[&new[..], &rest[..]].concat());
        }
        let request = [
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ];
        openssl(folder.path(), &request);
        fs::write(
            folder.path().join("names"),
            "subjectAltName=DNS:localhost\n",
        )
        .unwrap();
        let sign = [
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "server.crt",
        ];
        openssl(folder.path(), &sign);
        Self(folder)
    }

    /// Gives a server its certificate.
    fn install(&self, server: &Postgres) {
        for (name, mode) in [("server.key", 0o600), ("server.crt", 0o644)] {
            let copy = server.folder().join(name);
            fs::copy(self.0.path().join(name), &copy).unwrap();
            fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
            if rustix::process::geteuid().is_root() {
                let owner = Command::new("chown").arg("postgres").arg(&copy).status();
                assert!(owner.unwrap().success());
            }
        }
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let run = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output();
    let run = run.expect("openssl is installed");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

fn of(host: &str, port: u16, parameters: &str) -> Outbox {
    outbox(&format!(
        "postgres://test@{host}:{port}/postgres?{parameters}"
    ))
}

/// Creates the outbox unless it is there; returns why not.
async fn reached(outbox: &Outbox) -> Result<(), String> {
    let created = outbox.create().await;
    created.map(drop).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let source = std::error::Error::source(&error);
        let mut text = source.map(ToString::to_string).unwrap_or_default();
        let deeper = source.and_then(std::error::Error::source);
        text.extend(deeper.map(|deeper| format!(": {deeper}")));
        text
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_tls_is_reached_as_sslmode_says() {
    let (server, certificates) = (Postgres::start(), Certificates::new());
    certificates.install(&server);
    let tls = format!(
        "-c ssl=on -c ssl_cert_file={0}/server.crt -c ssl_key_file={0}/server.key",
        server.folder().display()
    );
    let port = server.listen(&tls);
    server.require_tls();
    let (ca, other) = (certificates.path("ca.crt"), certificates.path("other.crt"));
    for mode in ["prefer", "require"] {
        let reached = reached(&of("localhost", port, &format!("sslmode={mode}"))).await;
        assert_eq!(reached, Ok(()), "{mode} takes any certificate");
    }
    let default = reached(&of("localhost", port, "")).await;
    assert_eq!(default, Ok(()), "as `prefer`");
    for mode in ["require", "verify-ca", "verify-full"] {
        let good = of(
            "localhost",
            port,
            &format!("sslmode={mode}&sslrootcert={ca}"),
        );
        assert_eq!(reached(&good).await, Ok(()), "{mode}");
        let bad = of(
            "localhost",
            port,
            &format!("sslmode={mode}&sslrootcert={other}"),
        );
        let refused = reached(&bad).await.unwrap_err();
        assert!(refused.contains("certificate"), "{mode}: {refused}");
    }
    let elsewhere = of(
        "127.0.0.1",
        port,
        &format!("sslmode=verify-full&sslrootcert={ca}"),
    );
    let refused = reached(&elsewhere).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    // Without TLS this server lets nobody in.
    let plain = of("localhost", port, "sslmode=disable").create().await;
    let plain = plain.unwrap_err();
    assert_eq!(plain.kind(), ErrorKind::Denied, "{plain}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_reached_unless_tls_is_required() {
    let server = Postgres::start();
    let port = server.listen("");
    for mode in ["disable", "prefer"] {
        let reached = reached(&of("localhost", port, &format!("sslmode={mode}"))).await;
        assert_eq!(reached, Ok(()), "{mode}");
    }
    for mode in ["require", "verify-full"] {
        let refused = reached(&of("localhost", port, &format!("sslmode={mode}"))).await;
        let refused = refused.unwrap_err();
        assert!(refused.contains("TLS"), "{mode}: {refused}");
    }
}
