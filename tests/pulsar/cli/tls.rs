//! A broker that speaks only with clients that have a certificate of its authority, on ports with TLS beside the plain ones.

use std::net::TcpListener;

use test_support::{harness::Pf, pulsar::Broker};

fn key(name: &str) -> String {
    format!(
        "{}/tests/pulsar/cli/keys/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts it; returns it with its TLS port and that of its web service.
fn encrypted() -> (Broker, u16, u16) {
    let (port, web) = (free_port(), free_port());
    let settings = [
        format!("brokerServicePortTls={port}"),
        format!("webServicePortTls={web}"),
        "tlsEnabled=true".to_owned(),
        "tlsRequireTrustedClientCertOnConnect=true".to_owned(),
        format!("tlsCertificateFilePath={}", key("server.pem")),
        format!("tlsKeyFilePath={}", key("server.key")),
        format!("tlsTrustCertsFilePath={}", key("ca.pem")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    (Broker::start_with(&settings, None), port, web)
}

#[test]
fn both_sides_show_their_certificates() {
    let (broker, port, web) = encrypted();
    let namespace = broker.namespace();
    let [ca, cert, key_file] = ["ca.pem", "client.pem", "client.key"].map(key);
    let url = |rest: &str| format!("pulsar+ssl://127.0.0.1:{port}/{namespace}?{rest}");
    let ours = format!("cert={cert}&key={key_file}");
    let right = format!("ca={ca}&{ours}&admin=https://127.0.0.1:{web}");
    let pf = Pf::bare().env("PF_URL", &url(&format!("{right}&partitions=2")));
    // The partitions are created by the web service, with TLS as well.
    let publish = ["publish", "order.created", "{}", "--id", "e1", "--create"];
    let _ = pf.run(&publish).succeeded();
    let tail = ["tail", "--since", "1h", "--until-end", "-o", "event"];
    assert_eq!(pf.run(&tail).succeeded().json()[0]["id"], "e1");
    let consume = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--until-end",
        "--",
        "true",
    ];
    assert!(pf.run(&consume).succeeded().stderr().contains("1 handled"));

    refused_for_its_files(&url, &ours);
    other_ports(&broker, port, &namespace, &format!("ca={ca}&{ours}"));
    // The web service is not needed where nothing asks it.
    let pf = Pf::bare().env(
        "PF_URL",
        &url(&format!("ca={ca}&{ours}&admin=http://127.0.0.1:{web}")),
    );
    let _ = pf
        .run(&["tail", "order.created", "--last", "1", "--until-end"])
        .succeeded();
}

/// Files that are missing, are something else, or belong to others.
fn refused_for_its_files(url: &dyn Fn(&str) -> String, ours: &str) {
    let [ca, cert, key_file, other] = ["ca.pem", "client.pem", "client.key", "other.pem"].map(key);
    for (rest, text) in [
        (ours.to_owned(), "add `ca=FILE`"),
        (
            format!("ca={other}&{ours}"),
            "the issuer of the broker's certificate is not known",
        ),
        (format!("ca={ca}"), "add `cert=FILE` and `key=FILE`"),
        (
            format!("ca=nowhere.pem&{ours}"),
            "cannot read nowhere.pem, which `ca=` in the URL names",
        ),
        (
            format!("ca={key_file}&{ours}"),
            "client.key, which `ca=` in the URL names, has no certificate in PEM format",
        ),
        (
            format!("ca={ca}&cert={cert}&key={cert}"),
            "client.pem, which `key=` in the URL names, has no private key in PEM format",
        ),
        (
            format!("ca={ca}&cert={cert}&key={}", key("server.key")),
            "do not belong together",
        ),
    ] {
        let user = Pf::bare().env("PF_URL", &url(&rest));
        let run = user.run(&["publish", "order.created", "{}"]);
        assert_eq!(run.code(), Some(78), "{rest}: {run}");
        assert!(run.stderr().contains(text), "{rest}: {run}");
    }
}

/// A port without TLS for a client with it, and the reverse.
fn other_ports(broker: &Broker, port: u16, namespace: &str, right: &str) {
    let plain = format!("pulsar://127.0.0.1:{port}/{namespace}");
    let run = Pf::bare().env("PF_URL", &plain).run(&["tail"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("expects TLS at this port"), "{run}");
    assert!(run.stderr().contains("`pulsar+ssl://`"), "{run}");
    let reverse = format!("pulsar+ssl://{}/{namespace}?{right}", broker.address());
    let run = Pf::bare().env("PF_URL", &reverse).run(&["tail"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(
        run.stderr().contains("does not use TLS at this port"),
        "{run}"
    );
}
