//! The handler contract: what a command is given, and what its end comes to.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::{
    consume::{consume, event, letters, store_with},
    harness::Pf,
};

/// Runs a script on one event and returns the exit status of `pf` with what became of the event.
fn end_of(script: &str, flags: &[&str]) -> String {
    let pf = store_with(&["a"]);
    let run = consume(&pf, flags, script);
    let letters = letters(&pf);
    let letter = letters.first().map(|letter| &letter["dead_letter"]);
    let told = run.stderr().lines();
    let mut told = told.filter(|line| !line.starts_with("hint: "));
    let became = letter.map_or_else(
        || told.next_back().unwrap_or_default().to_owned(),
        |letter| {
            let failure = &letter["failure"];
            format!(
                "{} after {}, {}: {}",
                letter["kind"], letter["attempts"], failure["class"], failure["message"]
            )
        },
    );
    format!("{}: {became}", run.code().unwrap())
}

#[test]
fn every_row_of_the_table() {
    assert_snapshot!(end_of("exit 0", &[]), @"0: 1 handled");
    assert_snapshot!(end_of("exit 65", &[]), @r#"4: "permanent" after 1, "exit 65": "exit status 65""#);
    assert_snapshot!(end_of("exit 75", &[]), @r#"4: "exhausted" after 3, "exit 75": "exit status 75""#);
    assert_snapshot!(end_of("exit 1", &[]), @r#"4: "exhausted" after 3, "exit 1": "exit status 1""#);
    assert_snapshot!(end_of("exit 255", &[]), @r#"4: "exhausted" after 3, "exit 255": "exit status 255""#);
    assert_snapshot!(end_of("kill -9 $$", &[]), @r#"4: "exhausted" after 3, "signal 9": "killed by signal 9""#);
    assert_snapshot!(end_of("exit 78", &[]), @"78: error: the handler cannot run: exit status 78");
    assert_snapshot!(end_of("exit 126", &[]), @"78: error: the handler cannot run: exit status 126");
    assert_snapshot!(end_of("exit 127", &[]), @"78: error: the handler cannot run: exit status 127");
    let flags = ["--handler-timeout", "200ms", "--max-attempts", "1"];
    assert_snapshot!(end_of("sleep 100", &flags), @r#"4: "exhausted" after 1, "timeout": "took longer than 200ms""#);
}

#[test]
fn a_command_that_is_missing_spends_nothing() {
    let pf = store_with(&["a"]);
    let args = [
        "consume",
        "order.created",
        "-g",
        "billing",
        "--",
        "./no-such-command",
    ];
    assert_snapshot!(pf.run(&args), @"
    exit: 78
    --- stdout

    --- stderr
    consuming order.created as group billing: ./no-such-command
    error: the handler cannot run: cannot run `./no-such-command`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    ");
    let run = consume(&pf, &["-q"], "echo $PF_DELIVERY_ATTEMPT").succeeded();
    assert_eq!(run.stdout(), "1\n");
}

#[test]
fn statuses_can_be_given_other_meanings() {
    let map = ["--on-exit", "3=dlq,4=retry:0s,5=ack,6=skip,7=stop,65=retry"];
    assert_snapshot!(end_of("exit 3", &map), @r#"4: "permanent" after 1, "exit 3": "exit status 3""#);
    assert_snapshot!(end_of("test $PF_DELIVERY_ATTEMPT = 2 || exit 4", &map), @"0: 1 handled, 1 retry");
    assert_snapshot!(end_of("exit 5", &map), @"0: 1 handled");
    assert_snapshot!(end_of("exit 6", &map), @"0: 0 handled, 1 skipped");
    assert_snapshot!(end_of("exit 7", &map), @"78: error: the handler cannot run: exit status 7");
    assert_snapshot!(end_of("exit 65", &map), @r#"4: "exhausted" after 3, "exit 65": "exit status 65""#);
}

#[test]
fn the_result_file_beats_the_status() {
    let say = |verdict: &str, status: u8| {
        end_of(&format!("echo '{verdict}' >$PF_RESULT; exit {status}"), &[])
    };
    assert_snapshot!(say(r#"{"action":"ack"}"#, 1), @"0: 1 handled");
    assert_snapshot!(say(r#"{"action":"skip","reason":"test order"}"#, 0), @"0: 0 handled, 1 skipped");
    assert_snapshot!(say(r#"{"action":"dead_letter","reason":"no stock"}"#, 0), @r#"4: "permanent" after 1, "exit 0": "no stock""#);
    assert_snapshot!(say(r#"{"action":"retry","after":"0s","reason":"429"}"#, 0), @r#"4: "exhausted" after 3, "exit 0": "429""#);
    assert_snapshot!(say(r#"{"action":"dead_letter"}"#, 0), @r#"4: "permanent" after 1, "exit 0": "asked for in $PF_RESULT""#);
    assert_snapshot!(say(r#"{"action":"dead_letter"}"#, 3), @r#"4: "permanent" after 1, "exit 3": "exit status 3""#);
    assert_snapshot!(say("{}", 0), @r#"4: "exhausted" after 3, "result": "the verdict in $PF_RESULT is malformed: missing field `action` at line 1 column 2""#);
    assert_snapshot!(say("", 0), @r#"4: "exhausted" after 3, "result": "the verdict in $PF_RESULT is malformed: EOF while parsing a value at line 2 column 0""#);
}

#[test]
fn the_environment_names_the_event_and_never_holds_its_data() {
    let pf = Pf::new();
    let more = ",\"subject\":\"order 1\",\"correlationid\":\"req-1\",\
                \"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"";
    let _ = pf
        .run_with(&["publish", "--ndjson"], event("a", more))
        .succeeded();
    let script = "env | grep -E '^(PF_EVENT|PF_DELIVERY|TRACEPARENT)' | LC_ALL=C sort";
    assert_snapshot!(consume(&pf, &[], script), @r"
    exit: 0
    --- stdout
    PF_DELIVERY_ATTEMPT=1
    PF_DELIVERY_GROUP=billing
    PF_DELIVERY_MAX_ATTEMPTS=3
    PF_DELIVERY_TOPIC=order.created
    PF_EVENT_CORRELATION_ID=req-1
    PF_EVENT_ID=a
    PF_EVENT_SOURCE=//test
    PF_EVENT_SUBJECT=order 1
    PF_EVENT_TYPE=order.created
    TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01

    --- stderr
    consuming order.created as group billing: sh -c 'env | grep -E '\''^(PF_EVENT|PF_DELIVERY|TRACEPARENT)…
    1 handled
    ");
}

#[test]
fn stdin_is_the_event_or_its_data() {
    let pf = store_with(&["a"]);
    let event = consume(&pf, &["-q"], "cat").succeeded();
    assert_eq!(event.json()[0]["pfattempt"], 1);
    assert_eq!(event.json()[0]["data"]["n"], 1);
    let args = [
        "consume",
        "order.created",
        "-g",
        "other",
        "--until-end",
        "-q",
        "--stdin",
        "data",
        "--",
        "cat",
    ];
    assert_eq!(pf.run(&args).succeeded().stdout(), r#"{"n":1}"#);
}

#[test]
fn data_on_stdin_is_what_it_is_not_how_json_holds_it() {
    for (member, data) in [
        (
            r#""datacontenttype":"text/plain","data":"a \"b\"""#,
            "a \"b\"",
        ),
        (
            r#""datacontenttype":"image/png","data_base64":"AAEC""#,
            "\0\x01\x02",
        ),
        (r#""data":"a""#, "\"a\""),
    ] {
        let pf = Pf::new();
        let line = format!(
            "{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"order.created\",{member}}}"
        );
        let _ = pf.run_with(&["publish", "--ndjson"], line).succeeded();
        let tail = pf.run(&["tail", "--until-end", "-o", "data"]).succeeded();
        assert_eq!(tail.stdout(), format!("{data}\n"));
        let run = consume(&pf, &["-q", "--stdin", "data"], "cat").succeeded();
        assert_eq!(run.stdout(), data);
    }
}

#[test]
fn a_verdict_that_cannot_be_read_is_a_failed_run() {
    let flags = ["--max-attempts", "1"];
    let end = end_of("mkdir $PF_RESULT", &flags);
    assert!(
        end.starts_with(r#"4: "exhausted" after 1, "result":"#),
        "{end}"
    );
}

#[test]
fn a_nested_pf_uses_the_same_store() {
    let pf = store_with(&["a"]);
    let program = env!("CARGO_BIN_EXE_pf");
    let script = format!("cd / && {program} publish order.paid '{{\"of\":\"'$PF_EVENT_ID'\"}}'");
    let _ = consume(&pf, &["-q"], &script).succeeded();
    let tail = pf.run(&[
        "tail",
        "order.paid",
        "--last",
        "1",
        "--until-end",
        "-o",
        "json",
    ]);
    assert_eq!(tail.succeeded().json()[0]["event"]["data"]["of"], "a");
}

#[test]
fn a_handler_may_ignore_a_large_stdin() {
    let pf = Pf::new();
    let more = format!(",\"subject\":\"{}\"", "x".repeat(300_000));
    let _ = pf
        .run_with(&["publish", "--ndjson"], event("a", &more))
        .succeeded();
    let run = consume(&pf, &[], "exit 0");
    assert!(run.succeeded().stderr().ends_with("1 handled\n"));
}

#[test]
fn a_large_event_arrives_whole() {
    let pf = Pf::new();
    let more = format!(",\"filler\":\"{}\"", "x".repeat(300_000));
    let _ = pf
        .run_with(&["publish", "--ndjson"], event("a", &more))
        .succeeded();
    let run = consume(&pf, &["-q"], "cat").succeeded();
    assert_eq!(run.json()[0]["filler"].as_str().unwrap().len(), 300_000);
}

#[test]
fn a_handler_may_close_its_stdout_and_stderr_early() {
    for flags in [&["-q"][..], &["-q", "--emit"]] {
        let pf = store_with(&["a"]);
        let _ = consume(&pf, flags, "exec >&- 2>&-; cat >/dev/null").succeeded();
    }
}

/// As in `pf consume … | head`.
#[test]
fn a_reader_that_goes_away_is_not_the_fault_of_the_event() {
    let pf = store_with(&["a", "b"]);
    for script in ["yes", "yes | cat; exit 1"] {
        let args = [
            "consume",
            "order.created",
            "-g",
            "billing",
            "--max-attempts",
            "1",
        ];
        let mut child = pf.spawn(&[&args[..], &["--", "sh", "-c", script]].concat());
        drop(child.stdout.take());
        let run = pf.finish(child);
        assert_eq!(run.code(), Some(141), "{run}");
        assert!(!run.stderr().contains("error"), "{run}");
    }
    assert!(letters(&pf).is_empty());
    let left = consume(&pf, &["-q"], "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT").succeeded();
    assert_eq!(left.stdout(), "a 1\nb 1\n");
}

#[test]
fn a_grandchild_that_keeps_the_pipes_does_not_hold_up_anything() {
    for flags in [&["-q"][..], &["-q", "--emit"]] {
        let pf = store_with(&["a"]);
        let args = ["consume", "order.created", "-g", "g", "--until-end"];
        let script = ["--", "sh", "-c", "sleep 30 >&2 & exit 0"];
        let mut command = pf.command(&[&args[..], flags, &script].concat());
        let started = Instant::now();
        // Not through pipes: the grandchild has our stdout too.
        let files = || std::fs::File::create(pf.path("output")).unwrap();
        let status = command
            .stdin(files())
            .stdout(files())
            .stderr(files())
            .status();
        assert!(status.unwrap().success());
        assert!(started.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn much_stderr_passes_through_and_its_end_is_kept() {
    let pf = store_with(&["a"]);
    let script = "yes 12345678901234567890123456789012345678901234567890123456789012 | head -c 64000000 >&2; \
                  echo >&2; echo 'no stock' >&2; exit 65";
    let run = consume(&pf, &["-q"], script);
    assert_eq!(run.code(), Some(4));
    assert!(run.stderr().len() > 64_000_000);
    let letter = &letters(&pf)[0]["dead_letter"];
    let detail = letter["failure"]["detail"].as_str().unwrap();
    assert!(
        detail.len() <= 2100 && detail.ends_with("no stock"),
        "{detail}"
    );
    assert_eq!(letter["failure"]["message"], "exit status 65: no stock");
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let pf = store_with(&["a"]);
    // The shell and its child ignore the polite signal; neither outlives the run.
    let script = "trap '' TERM; sleep 300 & echo $! >child; wait; wait";
    let run = consume(
        &pf,
        &["-q", "--handler-timeout", "200ms", "--max-attempts", "1"],
        script,
    );
    assert_eq!(run.code(), Some(4), "{run}");
    let child = std::fs::read_to_string(pf.path("child")).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    assert!(state.is_err() || state.unwrap().contains(") Z "));
}

#[test]
fn no_temporary_file_is_left() {
    let pf = store_with(&["a"]);
    let folder = pf.path("tmp");
    std::fs::create_dir(&folder).unwrap();
    let pf = pf.env("TMPDIR", folder.to_str().unwrap());
    let script = r#"echo '{"action":"ack"}' >$PF_RESULT"#;
    let _ = consume(&pf, &["-q"], script).succeeded();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}
