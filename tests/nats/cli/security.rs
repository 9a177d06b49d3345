//! Servers that want to know who asks, and connections that nobody else reads.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use test_support::{harness::Pf, nats::Broker};

use super::shop::Shop;

fn key(name: &str) -> String {
    format!("{}/tests/nats/cli/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Publishes an event and reads it back.
fn assert_works(pf: &Pf) {
    let publish = ["publish", "order.created", "{}", "--id", "e1", "--create"];
    let _ = pf.run(&publish).succeeded();
    let tail = ["tail", "--since", "1h", "--until-end", "-o", "event"];
    assert_eq!(pf.run(&tail).succeeded().json()[0]["id"], "e1");
}

#[test]
fn a_credentials_file_opens_an_account() {
    let broker = Broker::start_with(&["-c", &key("accounts.conf")]);
    let url = broker.url(&format!("SHOP?creds={}", key("pf.creds")));
    assert_works(&Pf::bare().env("PF_URL", &url));
    let nobody = Pf::bare().env("PF_URL", &broker.url("SHOP"));
    let run = nobody.run(&["publish", "order.created", "{}"]);
    assert_eq!(run.code(), Some(77), "{run}");
    let missing = Pf::bare().env("PF_URL", &broker.url("SHOP?creds=nowhere.creds"));
    let run = missing.run(&["publish", "order.created", "{}"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("nowhere.creds"), "{run}");
}

#[test]
fn a_token_comes_from_a_file() {
    let broker = Broker::start_with(&["--auth", "t0p-secret"]);
    let pf = Pf::bare();
    let url = broker.url("SHOP");
    for (context, token) in [("right", "t0p-secret\n"), ("wrong", "secret\n")] {
        pf.write(context, token);
        let file = pf.path(context);
        let add = ["context", "add", context, "--url", &url, "--password-file"];
        let add = [&add[..], &[file.to_str().unwrap()]].concat();
        let _ = pf.run(&add).succeeded();
    }
    let publish = ["publish", "order.created", "{}", "--create", "--context"];
    let _ = pf.run(&[&publish[..], &["right"]].concat()).succeeded();
    let run = pf.run(&[&publish[..], &["wrong"]].concat());
    assert_eq!(run.code(), Some(77), "{run}");
    let run = pf.run(&["doctor", "--context", "right"]).succeeded();
    assert!(!run.to_string().contains("t0p-secret"), "{run}");
}

#[test]
fn a_token_on_the_command_line_is_refused_and_never_shown() {
    let broker = Broker::start_with(&["--auth", "t0p-secret"]);
    let url = broker.url("SHOP").replace("nats://", "nats://t0p-secret@");
    let run = Pf::bare().run(&["doctor", "--url", &url]);
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(!run.stderr().contains("t0p-secret"), "{run}");
    let run = Pf::bare().env("PF_URL", &url).run(&["doctor"]);
    assert!(run.stderr().contains("nats://***@"), "{run}");
    let shown = [run.stdout(), run.stderr()].concat();
    assert!(!shown.contains("t0p-secret"), "{run}");
}

/// Starts a server that speaks only to clients with a certificate of its authority.
fn encrypted() -> Shop {
    let config = tempfile::NamedTempFile::new().unwrap();
    let [cert, key, ca] = ["server.pem", "server.key", "ca.pem"].map(key);
    let tls = format!(
        "tls {{ cert_file: \"{cert}\", key_file: \"{key}\", ca_file: \"{ca}\", verify: true }}\n"
    );
    std::fs::write(config.path(), tls).unwrap();
    Shop::on(Broker::start_with(&["-c", config.path().to_str().unwrap()]))
}

#[test]
fn both_sides_show_their_certificates() {
    let shop = encrypted();
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(key);
    let url = |rest: &str| {
        let url = shop.broker.url(&format!("SHOP?{rest}"));
        url.replace("nats://", "tls://")
    };
    let user = |rest: &str| Pf::bare().env("PF_URL", &url(rest));
    assert_works(&user(&format!("ca={ca}&cert={cert}&key={key}")));
    let cannot_read = "cannot read nowhere.pem, which `ca=` in the URL names";
    for (rest, text) in [
        // Nobody vouches for the server.
        (format!("cert={cert}&key={key}"), "`ca=FILE`"),
        // Nobody vouches for us.
        (format!("ca={ca}"), "`cert=FILE` and `key=FILE`"),
        (format!("ca=nowhere.pem&cert={cert}&key={key}"), cannot_read),
        (
            format!("ca={ca}&cert={cert}&key={cert}"),
            "client.pem, which `key=` in the URL names, has no private key in PEM format",
        ),
    ] {
        let run = user(&rest).run(&["publish", "order.created", "{}"]);
        assert_eq!(run.code(), Some(78), "{rest}: {run}");
        assert!(run.stderr().starts_with("error: "), "{run}");
        assert!(run.stderr().contains(text), "{rest}: {run}");
    }
}

#[test]
fn a_server_without_tls_is_named_at_once() {
    let broker = Broker::start();
    let url = broker.url("SHOP").replace("nats://", "tls://");
    let run = Pf::bare().env("PF_URL", &url).run(&["tail"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(
        run.stderr().contains("the server does not use TLS"),
        "{run}"
    );
    assert!(run.stderr().contains("`nats://`"), "{run}");
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_the_timeout_says() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let broker = Broker::start();
    let publish = [
        "publish",
        "order.created",
        "{}",
        "--create",
        "--connect-timeout",
    ];
    let run = |servers: &str, timeout: &str| {
        let user = Pf::bare().env("PF_URL", &format!("nats://{servers}/SHOP"));
        let start = Instant::now();
        let run = user.run(&[&publish[..], &[timeout]].concat());
        (run, start.elapsed())
    };
    for scheme_and_host in [format!("{silent}"), format!("{silent},{silent}")] {
        let (run, took) = run(&scheme_and_host, "1s");
        assert_eq!(run.code(), Some(69), "{run}");
        assert!(took < Duration::from_secs(5), "{took:?}: {run}");
    }
    // The next server is tried within the same time.
    let (run, _) = run(&format!("{silent},{}", broker.address()), "10s");
    let _ = run.succeeded();
}
