//! JetStream of another server, subjects for answers, and users with a key.

use test_support::{
    harness::Pf,
    nats::{Broker, free_address},
    wait::until,
};

/// A file with a server's settings.
fn config(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn start(text: &str) -> Broker {
    let file = config(text);
    Broker::start_with(&["-c", file.path().to_str().unwrap()])
}

#[test]
fn the_jetstream_of_a_leaf_node_is_named_by_its_domain() {
    let leaves = free_address();
    let hub = start(&format!(
        "jetstream {{ domain: hub }}\nleafnodes {{ listen: \"{leaves}\" }}\n"
    ));
    let leaf = start(&format!(
        "jetstream {{ domain: leaf }}\nleafnodes {{ remotes: [ {{ url: \"nats://{leaves}\" }} ] }}\n"
    ));
    let user = |rest: &str| Pf::bare().env("PF_URL", &hub.url(rest));
    let pf = user("SHOP?domain=leaf");
    let publish =
        |pf: &Pf, id: &str| pf.run(&["publish", "order.created", "{}", "--id", id, "--create"]);
    until("the leaf node is connected", || {
        pf.run(&["doctor"]).code() != Some(69)
    });
    for id in ["e1", "e2"] {
        let _ = publish(&pf, id).succeeded();
    }
    let consume = |script: &str| {
        let consume = [
            "consume",
            "order.created",
            "--group",
            "billing",
            "--until-end",
        ];
        let retry = ["--backoff", "1ms", "--", "sh", "-c", script];
        pf.run(&[&consume[..], &retry].concat())
    };
    let run = consume("test $PF_EVENT_ID != e1");
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(
        run.stderr().contains("1 handled, 2 retries, 1 dead letter"),
        "{run}"
    );
    let run = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    assert_eq!(run.stdout(), "replayed 1 dead letter\n", "{run}");
    assert!(consume("true").succeeded().stderr().contains("1 handled"));
    let later = ["publish", "order.created", "{}", "--delay", "1h"];
    let _ = pf.run(&later).succeeded();
    assert_eq!(
        pf.run(&["schedule", "list"])
            .succeeded()
            .stdout()
            .lines()
            .count(),
        1
    );

    // The same by the prefix of its requests, and on the leaf node itself.
    let tail = ["tail", "--since", "1h", "--until-end", "-o", "event"];
    let seen = pf.run(&tail).succeeded().stdout().to_owned();
    assert!(seen.contains("e2"), "{seen}");
    for same in [
        user("SHOP?api-prefix=$JS.leaf.API"),
        Pf::bare().env("PF_URL", &leaf.url("SHOP")),
    ] {
        assert_eq!(same.run(&tail).succeeded().stdout(), seen);
    }
    // The hub's own has no such stream.
    let run = user("SHOP").run(&tail);
    assert!(run.stderr().contains("there is no stream `SHOP`"), "{run}");
    let run = user("SHOP?domain=nowhere").run(&tail);
    assert_eq!(run.code(), Some(69), "{run}");
}

const SEED: &str = "SUANQDPB2RUOE4ETUA26CNX7FUKE5ZZKFCQIIW63OX225F2CO7UEXTM7ZY";
const KEY: &str = "UAMMBNV2EYR65NYZZ7IAK5SIR5ODNTTERJOBOF4KJLMWI45YOXOSWULM";

#[test]
fn a_user_has_a_key_and_subjects_of_their_own_for_answers() {
    let broker = start(&format!(
        "authorization {{ users: [ {{ nkey: {KEY}, permissions: {{ publish: \">\", \
         subscribe: [ \"_INBOX_shop.>\" ] }} }} ] }}\n"
    ));
    let pf = Pf::bare();
    pf.write("user.nk", format!("{SEED}\n"));
    pf.write("wrong.nk", SEED.replace("SUAN", "SAAN"));
    let run = |rest: &str, args: &[&str]| {
        let url = broker.url(&format!("SHOP?{rest}"));
        pf.run(&[args, &["--url", &url]].concat())
    };
    let publish = ["publish", "order.created", "{}", "--id", "e1", "--create"];
    let own = "nkey=user.nk&inbox-prefix=_INBOX_shop";
    let _ = run(own, &publish).succeeded();
    let tail = ["tail", "--since", "1h", "--until-end", "-o", "event"];
    assert!(run(own, &tail).succeeded().stdout().contains("e1"));
    let url = broker.url(&format!("SHOP?{own}"));
    let consume = ["--group", "g", "--until-end", "--url", &url, "--", "true"];
    let consume = [&["consume", "order.*"], &consume[..]].concat();
    assert!(pf.run(&consume).succeeded().stderr().contains("1 handled"));

    let denied = run("nkey=user.nk", &publish);
    assert_eq!(denied.code(), Some(77), "{denied}");
    assert!(denied.stderr().contains("`inbox-prefix=`"), "{denied}");
    let unknown = run("", &publish);
    assert_eq!(unknown.code(), Some(77), "{unknown}");
    for (file, text) in [
        ("nowhere.nk", "cannot read the key file nowhere.nk"),
        ("wrong.nk", "the key file wrong.nk has no seed of a user"),
    ] {
        let run = run(&format!("nkey={file}"), &publish);
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains(text), "{run}");
    }
}
