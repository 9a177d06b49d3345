//! `pf context`, and which setting is the strongest.

use insta::assert_snapshot;

use crate::harness::Pf;

fn two_contexts() -> Pf {
    let pf = Pf::bare();
    let _ = pf
        .run(&[
            "context",
            "add",
            "local",
            "--url",
            "sqlite:events.db",
            "--group",
            "billing",
        ])
        .succeeded();
    let add = [
        "context",
        "add",
        "prod",
        "--url",
        "nats://svc@nats.example",
        "--password-file",
        "pw",
    ];
    let _ = pf.run(&add).succeeded();
    pf
}

#[test]
fn contexts_are_listed_with_the_one_in_use_marked() {
    let pf = two_contexts();
    assert_snapshot!(pf.run(&["context", "use", "local"]), @"
    exit: 0
    --- stdout

    --- stderr
    using `local`
    ");
    assert_snapshot!(pf.run(&["context", "list"]), @"
    exit: 0
    --- stdout
    * local            sqlite:[HOME]/events.db  group billing
      prod             nats://svc@nats.example  password from [HOME]/pw

    --- stderr
    ");
    assert_snapshot!(pf.run(&["context", "show"]), @"
    exit: 0
    --- stdout
    * local            sqlite:[HOME]/events.db  group billing

    --- stderr
    ");
    assert_snapshot!(pf.run(&["context", "show", "prod"]), @"
    exit: 0
    --- stdout
      prod             nats://svc@nats.example  password from [HOME]/pw

    --- stderr
    ");
    assert_snapshot!(pf.run(&["context", "list", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"name":"local","current":true,"url":"sqlite:[HOME]/events.db","group":"billing","file":"[HOME]/.config/pf/config.toml"}
    {"name":"prod","current":false,"url":"nats://svc@nats.example","password":"from [HOME]/pw","file":"[HOME]/.config/pf/config.toml"}

    --- stderr
    "#);
}

#[test]
fn the_file_keeps_its_comments_and_is_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let pf = Pf::bare();
    pf.write(
        ".config/pf/config.toml",
        "# mine\ngroup = \"g\" # for the team\n",
    );
    let _ = pf
        .run(&["context", "add", "a", "--url", "sqlite:/a.db"])
        .succeeded();
    let _ = pf.run(&["context", "use", "a"]).succeeded();
    let file = pf.path(".config/pf/config.toml");
    assert_snapshot!(std::fs::read_to_string(&file).unwrap(), @r#"
    # mine
    group = "g" # for the team
    context = "a"

    [contexts.a]
    url = "sqlite:/a.db"
    "#);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn removing_the_one_in_use_leaves_none() {
    let pf = two_contexts();
    let _ = pf.run(&["context", "use", "prod"]).succeeded();
    assert_snapshot!(pf.run(&["context", "remove", "prod"]), @"
    exit: 0
    --- stdout

    --- stderr
    removed `prod`
    ");
    assert_snapshot!(pf.run(&["context", "show"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: no context is in use
    hint: choose one with `pf context use NAME`, or name a store with `--url` or PF_URL
    ");
    assert_snapshot!(pf.run(&["context", "remove", "prd"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: there is no context `prd`
    hint: `pf context list` shows the existing ones
    ");
    assert_snapshot!(pf.run(&["context", "remove", "locl"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: there is no context `locl`
    hint: did you mean `local`?
    ");
}

#[test]
fn passwords_are_masked() {
    let pf = Pf::bare();
    pf.write(
        ".pf.toml",
        "[contexts.a]\nurl = \"nats://me:secret@host\"\n[contexts.b]\nurl = \"kafka://h?sasl_password=x\"\n",
    );
    let run = pf.run(&["context", "list"]);
    assert!(!run.stdout().contains("secret"));
    assert_snapshot!(run, @"
    exit: 0
    --- stdout
      a                nats://me:***@host
      b                kafka://h?sasl_password=***

    --- stderr
    ");
}

#[test]
fn a_password_in_a_new_context_is_refused() {
    let pf = Pf::bare();
    assert_snapshot!(pf.run(&["context", "add", "x", "--url", "nats://me:secret@host"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: a password in --url is visible to every user of this machine
    hint: put it into a file: `pf context add NAME --url URL --password-file FILE`
    hint: or set PF_PASSWORD and leave only the user name in the URL
    ");
    assert!(!pf.path(".config/pf/config.toml").exists());
}

#[test]
fn a_store_that_could_not_be_opened_gets_no_name() {
    let pf = Pf::bare();
    let add = |url: &str| pf.run(&["context", "add", "x", "--url", url]);
    assert_snapshot!(add("sqlite:a.db?sinchronous=full"), @"
    exit: 78
    --- stdout

    --- stderr
    error: sqlite: the URL has an unknown parameter `sinchronous=full`
    hint: did you mean `synchronous`?
    ");
    assert_eq!(add("sqlite:?sinchronous=full").code(), Some(78));
    assert_snapshot!(add("nats://t0ken@host"), @"
    exit: 2
    --- stdout

    --- stderr
    error: a user name without a password is a token, and a token in --url is visible to every user of this machine
    hint: put it into a file: `pf context add NAME --url nats://HOST --password-file FILE`
    hint: or set PF_PASSWORD if it is a user name
    ");
    assert_snapshot!(add("nats://host/A.B"), @"
    exit: 78
    --- stdout

    --- stderr
    error: nats: `A.B` is not a valid stream name
    ");
    assert_snapshot!(add("kafka://host?acks=0"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: `acks` cannot be set: delivery guarantees depend on it
    ");
    assert_snapshot!(add("redis://host"), @"
    exit: 78
    --- stdout

    --- stderr
    error: no transport is registered for `redis:` URLs
    hint: this build knows: kafka, memory, nats, pulsar, pulsar+ssl, sqlite, tls
    ");
    assert!(!pf.path(".config/pf/config.toml").exists());
}

#[test]
fn a_store_without_a_file_is_the_default_one_wherever_it_is_named() {
    let pf = Pf::bare();
    let add = ["context", "add", "mine", "--url", "sqlite:"];
    let _ = pf.run(&add).succeeded();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let tail = ["tail", "--context", "mine", "--until-end", "-o", "data"];
    assert_eq!(pf.run(&tail).succeeded().stdout(), "1\n");
}

#[test]
fn a_project_is_stronger_than_the_users_context() {
    let pf = Pf::bare();
    pf.write(
        ".config/pf/config.toml",
        "context = \"home\"\ngroup = \"users\"\n[contexts.home]\nurl = \"sqlite:a.db\"\ngroup = \"homes\"\n",
    );
    let group = || {
        let run = pf.run(&["consume", "a", "--until-end", "--", "true"]);
        let stderr = run.succeeded().stderr().to_owned();
        let at = stderr.find("as group ").unwrap();
        stderr[at + 9..].split(':').next().unwrap().to_owned()
    };
    assert_eq!(group(), "homes");
    pf.write(".pf.toml", "group = \"project\"\n");
    assert_eq!(group(), "project");
    pf.write(".pf.toml", "url = \"sqlite:b.db\"\n");
    assert_eq!(group(), "users", "its context is not in use");
}

#[test]
fn a_context_that_is_gone_bars_nobody_from_choosing_another() {
    let pf = Pf::bare();
    pf.write(
        ".config/pf/config.toml",
        "context = \"gone\"\n[contexts.other]\nurl = \"sqlite:a.db\"\n",
    );
    assert_eq!(pf.run(&["publish", "a", "1"]).code(), Some(78));
    let _ = pf.run(&["context", "list"]).succeeded();
    let _ = pf.run(&["context", "use", "other"]).succeeded();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
}

/// Every setting has an unknown scheme, so that the error shows which one was used.
#[test]
fn flag_beats_environment_beats_project_beats_user() {
    let pf = Pf::bare();
    let used = |pf: &Pf, args: &[&str]| {
        let mut all = vec!["caps"];
        all.extend(args);
        let stderr = pf.run(&all).stderr().to_owned();
        let scheme = stderr.split('`').nth(1).unwrap_or_default();
        scheme.to_owned()
    };
    pf.write(
        ".config/pf/config.toml",
        "context = \"u\"\n[contexts.u]\nurl = \"user:x\"\n[contexts.f]\nurl = \"flagged:x\"\n",
    );
    assert_eq!(used(&pf, &[]), "user:");
    pf.write(".pf.toml", "url = \"project:x\"\n");
    assert_eq!(used(&pf, &[]), "project:");
    let pf = pf.env("PF_CONTEXT", "u");
    assert_eq!(used(&pf, &[]), "user:");
    let pf = pf.env("PF_URL", "environment:x");
    assert_eq!(used(&pf, &[]), "environment:");
    let marked = pf.run(&["context", "list"]).succeeded();
    assert!(!marked.stdout().contains('*'), "{marked}");
    assert_eq!(used(&pf, &["--context", "f"]), "flagged:");
    assert_eq!(used(&pf, &["--url", "given:x"]), "given:");
}

#[test]
fn the_default_store_is_named_whenever_it_is_used() {
    let pf = Pf::bare();
    assert_snapshot!(pf.run(&["publish", "a", "1"]), @"
    exit: 0
    --- stdout

    --- stderr
    using [HOME]/.local/share/pf/events.db
    published [ULID] to a
    ");
    assert_snapshot!(pf.run(&["tail", "--until-end", "-o", "data", "-q"]), @"
    exit: 0
    --- stdout
    1

    --- stderr
    ");
    assert!(pf.path(".local/share/pf/events.db").exists());
}

#[test]
fn a_path_in_a_project_file_starts_from_its_folder() {
    let pf = Pf::bare();
    pf.write(
        ".pf.toml",
        "url = \"sqlite:my events.db\"\noutput = \"data\"\n",
    );
    pf.write("deep/er/file", "");
    let mut publish = pf.command(&["publish", "a", "1", "-o", "text"]);
    let status = publish.current_dir(pf.path("deep/er")).status().unwrap();
    assert!(status.success());
    assert!(pf.path("my events.db").exists());
    assert_eq!(pf.run(&["tail", "--until-end"]).stdout(), "1\n");
}
