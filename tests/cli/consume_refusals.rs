//! `pf consume`: command lines that it refuses.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn without_a_group_the_mend_is_shown() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["consume", "order.created", "--", "./charge.sh", "a b"]), @r"
    exit: 2
    --- stdout

    --- stderr
    error: no group given
    hint: choose one: pf consume order.created --group billing -- ./charge.sh 'a b'
    ");
}

#[test]
fn without_a_command_the_mend_is_shown() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["consume", "order.created", "--group", "billing"]), @r"
    exit: 2
    --- stdout

    --- stderr
    error: no command given
    hint: add it after `--`: pf consume order.created --group billing -- ./handle.sh
    ");
}

#[test]
fn dead_letters_are_not_consumed() {
    let pf = Pf::new();
    let run = pf.run(&[
        "consume",
        "order.created.dlq",
        "-g",
        "billing",
        "--",
        "true",
    ]);
    assert_snapshot!(run, @r"
    exit: 2
    --- stdout

    --- stderr
    error: `order.created.dlq` is a dead-letter store
    hint: list dead letters with `pf dlq list`, replay them with `pf dlq replay`
    ");
}

#[test]
fn bad_flags_are_refused() {
    let pf = Pf::new();
    let run =
        |flag: &str, value: &str| pf.run(&["consume", "t", "-g", "g", flag, value, "--", "true"]);
    assert_snapshot!(run("--backoff", "5m..1s"), @r"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '5m..1s' for '--backoff <PAUSES>': the longest pause is shorter than the first

    For more information, try '--help'.
    ");
    assert_snapshot!(run("--on-exit", "3=drop"), @r"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '3=drop' for '--on-exit <MAP>': unknown action `drop`: use ack, skip, retry, retry:30s, dlq or stop

    For more information, try '--help'.
    ");
    assert_snapshot!(run("--from", "yesterday"), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'yesterday' for '--from <WHEN>': not a valid time; use for example `[TIME]`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`

    For more information, try '--help'.
    ");
    assert_snapshot!(run("--jobs", "0"), @r"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '0' for '--jobs <N>': 0 is not in 1..=256

    For more information, try '--help'.
    ");
    assert_snapshot!(run("--handler-timeout", "soon"), @r"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'soon' for '--handler-timeout <DURATION>': not a valid duration; use for example `90s` or `2h 30m`

    For more information, try '--help'.
    ");
}
