//! Tokens: missing, wrong, and without permission.

use insta::assert_snapshot;
use test_support::{harness::Pf, pulsar::Broker};

/// Made with `pulsar tokens create-secret-key` and `pulsar tokens create --subject …`: HS256 under the key of 32 zero bytes.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Returns a token of a role.
pub(super) fn token(role: &str) -> String {
    let output = std::process::Command::new("python3")
        .args(["-c", TOKEN, role])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const TOKEN: &str = r#"
import base64, hashlib, hmac, json, sys
part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
text = part(b'{"alg":"HS256"}') + b"." + part(json.dumps({"sub": sys.argv[1]}).encode())
print((text + b"." + part(hmac.new(bytes(32), text, hashlib.sha256).digest())).decode())
"#;

/// Starts a broker that lets in who has a token, and allows what was granted to the role of it.
pub(super) fn guarded() -> Broker {
    let admin = token("admin");
    let settings = [
        "authenticationEnabled=true",
        "authorizationEnabled=true",
        "authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
        &format!("tokenSecretKey=data:;base64,{KEY}"),
        "superUserRoles=admin",
        "brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken",
        &format!("brokerClientAuthenticationParameters=token:{admin}"),
    ];
    Broker::start_with(&settings, Some(&admin))
}

#[test]
fn tokens_are_needed_checked_and_have_permissions() {
    let broker = guarded();
    let namespace = broker.namespace();
    let url = broker.url(&namespace);
    let pf = Pf::bare();
    let run = |parameters: &str| {
        let url = format!("{url}{parameters}");
        let run = pf.run(&["publish", "order", "{}", "--create", "--url", &url]);
        run.to_string().replace(&namespace, "NAMESPACE")
    };
    pf.write("admin", token("admin"));
    pf.write("nobody", token("nobody"));
    pf.write("wrong", "not.a.token");
    pf.write("empty", "\n");
    assert_snapshot!(run(""), @"
    exit: 77
    --- stdout

    --- stderr
    error: pulsar: authentication failed: Failed to authenticate
    hint: `token-file=FILE` in the URL names the file with the token
    ");
    assert_snapshot!(run("&token-file=wrong"), @"
    exit: 77
    --- stdout

    --- stderr
    error: pulsar: authentication failed: Failed to authenticate
    hint: `token-file=FILE` in the URL names the file with the token
    ");
    assert_snapshot!(run("&token-file=nobody"), @"
    exit: 77
    --- stdout

    --- stderr
    error: pulsar: Client is not authorized to Get Partition Metadata
    hint: `pulsar-admin namespaces grant-permission` grants `produce` and `consume` to the role of the token
    ");
    assert_snapshot!(run("&token-file=missing"), @"
    exit: 78
    --- stdout

    --- stderr
    error: pulsar: cannot read missing, which `token-file=` in the URL names
      caused by: No such file or directory (os error 2)
    ");
    assert_snapshot!(run("&token-file=empty"), @"
    exit: 78
    --- stdout

    --- stderr
    error: pulsar: empty, which `token-file=` in the URL names, has no token
    ");
    assert!(run("&token-file=admin").starts_with("exit: 0"));
}
