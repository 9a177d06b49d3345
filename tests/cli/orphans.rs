//! `pf` as PID 1 of a container: it reaps orphans, and the exits of its own children go to those who wait for them.

use std::process::{Command, Stdio};

use crate::harness::{Pf, Run, program};

/// Runs `pf` as PID 1 of its own process table.
fn as_init(pf: &Pf, args: &[&str]) -> Run {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(program())
        .args(args)
        .env_clear()
        .envs(
            pf.command(&[])
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(pf.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    pf.finish(command.spawn().unwrap())
}

fn publish(pf: &Pf, count: usize) {
    let lines = "1\n".repeat(count);
    let _ = pf.run_with(&["publish", "a", "--lines"], lines).succeeded();
}

/// Waits until no process is a zombie, and fails if that takes long.
const NO_ZOMBIES: &str = "
    for try in $(seq 100); do
        grep -qs '^State:.Z' /proc/[0-9]*/status || exit 0
        sleep 0.1
    done
    grep -s '^Name\\|^State' /proc/[0-9]*/status >&2
    exit 65";

#[test]
fn orphans_are_reaped_and_no_exit_status_is_lost() {
    let pf = Pf::new();
    publish(&pf, 120);
    // Each leaves two orphans, of which one exits at once and one a little later.
    let script = "
        read -r event
        (true &)
        (sleep 0.05 &)
        case $PF_EVENT_ID in *[0-9]) exit 65 ;; *) exit 0 ;; esac";
    let consume = [
        "consume",
        "a",
        "-g",
        "g",
        "--until-end",
        "--jobs",
        "8",
        "--no-breaker",
        "--",
        "sh",
        "-c",
    ];
    let run = as_init(&pf, &[&consume[..], &[script]].concat());
    let dead = pf.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    let handled = 120 - dead.len();
    assert_eq!(
        run.code(),
        Some(if dead.is_empty() { 0 } else { 4 }),
        "{run}"
    );
    assert!(
        run.stderr().contains(&format!("{handled} handled")),
        "{run}"
    );
    for letter in &dead {
        assert_eq!(
            letter["dead_letter"]["failure"]["class"], "exit 65",
            "{letter}"
        );
    }
}

#[test]
fn no_zombie_is_left() {
    let pf = Pf::new();
    publish(&pf, 30);
    let script = format!("read -r event; (true &); (sleep 0.05 &); {NO_ZOMBIES}");
    let consume = [
        "consume",
        "a",
        "-g",
        "g",
        "--until-end",
        "--",
        "sh",
        "-c",
        &script,
    ];
    let run = as_init(&pf, &consume).succeeded();
    assert!(run.stderr().contains("30 handled"), "{run}");
    publish(&pf, 3);
    let worker = format!(
        r#"while read -r event; do
            (true &)
            ( {NO_ZOMBIES} ) || exit 1
            id=${{event#*\"id\":\"}}; printf '{{"id":"%s","action":"ack"}}\n' "${{id%%\"*}}"
        done"#
    );
    let consume = [
        "consume",
        "a",
        "-g",
        "g",
        "--until-end",
        "--worker",
        "--",
        "sh",
        "-c",
        &worker,
    ];
    let run = as_init(&pf, &consume).succeeded();
    assert!(run.stderr().contains("3 handled"), "{run}");
}
