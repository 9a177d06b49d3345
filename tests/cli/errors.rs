//! Bad input: the message, the hint, the exit code.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    process::{Command, Stdio},
};

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn an_unknown_scheme_names_the_known_ones() {
    assert_snapshot!(Pf::new().run(&["caps", "--url", "amqp://x"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: no transport is registered for `amqp:` URLs
    hint: this build knows: kafka, memory, nats, pulsar, pulsar+ssl, sqlite, tls
    ");
}

#[test]
fn a_member_has_a_name_only_where_groups_know_it() {
    let consume = [
        "consume",
        "a",
        "--group",
        "g",
        "--create",
        "--instance",
        "one",
        "--",
        "true",
    ];
    assert_snapshot!(Pf::new().run(&consume), @"
    exit: 5
    --- stdout

    --- stderr
    consuming a as group g: true
    error: sqlite: consumer groups have no named members
    hint: leave `--instance` out; on Kafka it keeps partitions for a member that restarts
    ");
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "1", "--url", "nats://me:secret@host"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: a password in --url is visible to every user of this machine
    hint: put it into a file: `pf context add NAME --url URL --password-file FILE`
    hint: or set PF_PASSWORD and leave only the user name in the URL
    ");
    assert!(!pf.path("events.db").exists(), "nothing was touched");
}

#[test]
fn a_wrong_command_gets_a_suggestion() {
    assert_snapshot!(Pf::new().run(&["cpas"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: unrecognized subcommand 'cpas'

      tip: a similar subcommand exists: 'caps'

    Usage: pf [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_wrong_context_gets_a_suggestion() {
    let pf = Pf::bare();
    pf.write(".pf.toml", "[contexts.staging]\nurl = \"nats://staging\"\n");
    assert_snapshot!(pf.run(&["caps", "--context", "stagin"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: there is no context `stagin`
    hint: did you mean `staging`?
    ");
}

#[test]
fn a_wrong_configuration_names_the_line() {
    let pf = Pf::bare();
    pf.write(".pf.toml", "output = \"json\"\nuri = \"nats://staging\"\n");
    assert_snapshot!(pf.run(&["caps"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: [HOME]/.pf.toml is invalid at line 2
      caused by: unknown field `uri`, expected one of `context`, `url`, `group`, `output`, `outbox`, `contexts`
    ");
}

#[test]
fn a_wrong_duration_or_time_says_how_to_write_it() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "x", "{}", "--delay", "5 parsecs"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '5 parsecs' for '--delay <DURATION>': not a valid duration; use for example `90s` or `2h 30m`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["publish", "x", "{}", "--delay", "-5s"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '-5s' for '--delay <DURATION>': not a valid duration; use for example `90s` or `2h 30m`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["publish", "x", "{}", "--at", "teatime"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'teatime' for '--at <TIME>': not a valid time; use for example `[TIME]`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["tail", "--since", "long ago"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'long ago' for '--since <TIME>': not a valid time; use for example `[TIME]`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`

    For more information, try '--help'.
    ");
    assert!(!pf.path("events.db").exists(), "nothing was touched");
}

#[test]
fn a_wrong_topic_or_pattern_names_the_rule() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["tail", "order*"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'order*' for '[PATTERN]...': pattern `order*` has a wildcard that is not a whole token

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["publish", "order created", "{}"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: topic `order created` contains a space or a control character
    ");
}

#[test]
fn a_wrong_filter_points_at_the_place() {
    assert_snapshot!(Pf::new().run(&["tail", "--where", ".event.type =="]), @r#"
    exit: 2
    --- stdout

    --- stderr
    error: `--where` is not a valid filter
      caused by: expected a term at the end
    hint: it is jq on the record of `-o json`, as in `.event.type == "order.created"`
    "#);
}

#[test]
fn a_store_of_dead_letters_is_no_topic() {
    assert_snapshot!(Pf::new().run(&["publish", "orders.dlq", "{}"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `orders.dlq` is a dead-letter store
    hint: list dead letters with `pf dlq list`, replay them with `pf dlq replay`
    ");
}

#[test]
fn a_bare_path_is_not_a_url() {
    assert_snapshot!(Pf::bare().run(&["caps", "--url", "events.db"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: --url is not a valid store URL
      caused by: relative URL without a base
    hint: for a file: `sqlite:events.db`
    ");
}

#[test]
fn flags_of_the_envelope_make_no_sense_for_events_that_are_made() {
    assert_snapshot!(Pf::new().run(&["publish", "--ndjson", "--subject", "x"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: the argument '--ndjson' cannot be used with '--subject <SUBJECT>'

    Usage: pf publish --ndjson [TYPE] [DATA]

    For more information, try '--help'.
    ");
}

#[test]
fn a_log_filter_that_logs_nothing_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "1", "--log", "debgu"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--log debgu` is not a valid filter
    hint: did you mean `debug`?
    ");
    let pf = pf.env("PF_LOG", "protoflow=loud");
    assert_snapshot!(pf.run(&["publish", "a", "1"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--log protoflow=loud` is not a valid filter
    hint: use a level, or levels of modules, such as `debug` or `protoflow=trace,info`
    ");
    assert!(!pf.path("events.db").exists(), "nothing was touched");
    let pf = pf.env("PF_LOG", "");
    assert_eq!(pf.run(&["publish", "a", "1"]).code(), Some(0));
}

#[test]
fn a_store_whose_name_would_be_cut_off_is_not_another_one() {
    let pf = Pf::new();
    for url in [
        "sqlite://orders.db",
        "sqlite:orders#1.db",
        "sqlite:#1.db",
        "sqlite:%FF.db",
        "sqlite::memory:",
    ] {
        let run = pf.run(&["publish", "a", "1", "--url", url]);
        assert_eq!(run.code(), Some(78), "{run}");
    }
    assert_snapshot!(pf.run(&["publish", "a", "1", "--url", "sqlite:orders#1.db"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: --url has a `#`, which would cut off the rest
    hint: write it as `%23`
    ");
    assert_eq!(std::fs::read_dir(pf.path("")).unwrap().count(), 0);
}

#[test]
fn a_variable_that_is_no_text_is_not_overlooked() {
    let pf = Pf::bare();
    let mut command = pf.command(&["publish", "a", "1"]);
    command.env("PF_URL", OsStr::from_bytes(b"sqlite:\xff.db"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"
    error: PF_URL is not UTF-8
    hint: its value must be UTF-8 text, also in paths
    ");
}

#[test]
fn an_extension_is_nothing_else() {
    let pf = Pf::new();
    let refusal = |extensions: &[&str]| {
        let flags = extensions.iter().flat_map(|pair| ["--extension", pair]);
        let args = ["publish", "a", "1", "--correlation-id", "7"];
        let args: Vec<&str> = args.into_iter().chain(flags).collect();
        let run = pf.run(&args);
        format!("{} {}", run.code().unwrap(), run.stderr())
    };
    assert_snapshot!(refusal(&["id=x"]), @"2 error: attribute `id` is not an extension");
    assert_snapshot!(refusal(&["specversion=0.3"]), @"2 error: attribute `specversion` is not an extension");
    assert_snapshot!(refusal(&["pf_mine=1"]), @"2 error: attribute `pf_mine` is not an attribute of Protoflow");
    assert_snapshot!(refusal(&["correlationid=8"]), @"2 error: attribute `correlationid` is given twice");
    assert_snapshot!(refusal(&["pf_correlation_id=8"]), @"2 error: attribute `pf_correlation_id` is given twice");
    assert_snapshot!(refusal(&["pf_delay_ms=60000"]), @"2 error: attribute `pf_delay_ms` is set by `--delay`");
    assert_snapshot!(refusal(&["pf_attempt=5"]), @"2 error: attribute `pf_attempt` belongs to a delivery and is set by Protoflow");
    assert_snapshot!(refusal(&["pfattempt=5"]), @"2 error: attribute `pfattempt` belongs to a delivery and is set by Protoflow");
    assert_snapshot!(refusal(&["pfattemptlimit=5"]), @"2 error: attribute `pfattemptlimit` belongs to a delivery and is set by Protoflow");
    assert_snapshot!(refusal(&["pfmaxattempts=5", "pf_max_attempts=6"]), @"2 error: attribute `pf_max_attempts` is given twice");
    assert_snapshot!(refusal(&["tenant=a", "tenant=b"]), @"2 error: attribute `tenant` is given twice");
    assert!(!pf.path("events.db").exists(), "nothing was touched");
}

#[test]
fn a_time_limit_that_no_run_can_keep_is_refused() {
    let consume = ["consume", "a", "-g", "g", "--handler-timeout", "0s"];
    let run = Pf::new().run(&[&consume[..], &["--", "true"]].concat());
    assert_eq!(run.code(), Some(2), "{run}");
}

#[test]
fn a_log_is_coloured_where_colour_is_wanted() {
    let pf = Pf::new();
    let log = |color: &str| {
        let args = ["publish", "a", "1", "--log", "debug", "--color", color];
        pf.run(&args).succeeded().stderr().to_owned()
    };
    assert!(!log("auto").contains('\x1b'));
    assert!(!log("never").contains('\x1b'));
    assert!(log("always").contains("\x1b["));
}

#[test]
fn a_disk_without_room_to_open_a_store_is_named() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let _ = std::fs::remove_file(pf.path("events.db-shm"));
    let publish = pf.command(&["publish", "a", "1"]);
    let program = publish.get_program().to_owned();
    // 8 or 16 KiB, depending on the shell: less than the index of the log.
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(limited)
        .arg(program)
        .args(publish.get_args());
    let set = publish
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    shell.env_clear().envs(set).current_dir(pf.path("."));
    let child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    assert_snapshot!(pf.finish(child.unwrap()), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: the disk is full: no space for the index of `[HOME]/events.db`
      caused by: disk I/O error
    hint: free some space and try again
    ");
}
