//! No command outlives `pf`, however that ends: the next consumer must not run an event beside it.

use std::{
    fs,
    path::Path,
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    consume::{consume, store_with},
    harness::Pf,
};

/// How long anything may take that is waited for.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Says that it runs, with a child in its group, and stays.
const STAYS: &str = "sleep 1000 & echo $! $$ >>pids; wait";

fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < TIMEOUT, "waited in vain: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Starts a consumer and waits until this many commands run; returns their processes with their children.
fn start(pf: &Pf, flags: &[&str], script: &str, commands: usize) -> (Child, Vec<i32>) {
    let args = ["consume", "order.created", "-g", "billing"];
    let child = pf.spawn(&[&args[..], flags, &["--", "sh", "-c", script]].concat());
    let pids = wait_until("commands run", || {
        let pids = fs::read_to_string(pf.path("pids")).ok()?;
        let whole = pids.lines().count() == commands && pids.ends_with('\n');
        let pids = pids.split_whitespace().map(|pid| pid.parse().unwrap());
        whole.then(|| pids.collect())
    });
    (child, pids)
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Kills `pf` as the kernel does when memory is short.
fn kill_pf(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

fn wait_for_end_of(pids: &[i32]) {
    for &pid in pids {
        wait_until("the command is gone", || (!runs(pid)).then_some(()));
    }
}

/// Returns the watchdog of a consumer, once it heeds no signals any more.
fn watchdog_of(child: &Child) -> i32 {
    let owner = child.id().to_string();
    wait_until("there is a watchdog", || watchdogs(&owner).pop())
}

fn watchdogs(owner: &str) -> Vec<i32> {
    let line = format!("handler-watch\0--end-handlers-of\0{owner}\0");
    let is_one = |process: &Path| {
        fs::read_to_string(process.join("cmdline")).is_ok_and(|found| found == line)
            && fs::read_to_string(process.join("comm")).is_ok_and(|name| name == "handler-watch\n")
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let pid = path.file_name()?.to_str()?.parse().ok()?;
        is_one(&path).then_some(pid)
    });
    processes.collect()
}

#[test]
fn commands_end_with_a_pf_that_is_killed() {
    for (flags, commands) in [
        (&[][..], 1),
        (&["--worker"], 1),
        (&["--jobs", "4"], 4),
        (&["--jobs", "4", "--worker"], 4),
        (&["--emit"], 1),
    ] {
        let pf = store_with(&["a", "b", "c", "d"]);
        let (child, pids) = start(&pf, flags, STAYS, commands);
        assert_eq!(pids.len(), 2 * commands);
        kill_pf(child);
        wait_for_end_of(&pids);
        let left = consume(&pf, &["-q"], "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT").succeeded();
        assert_eq!(left.stdout(), "a 1\nb 1\nc 1\nd 1\n", "{flags:?}");
    }
}

#[test]
fn a_watchdog_that_is_killed_is_replaced() {
    let pf = store_with(&["a"]);
    let (child, pids) = start(&pf, &[], STAYS, 1);
    let first = watchdog_of(&child);
    kill(first, Signal::KILL);
    wait_for_end_of(&[first]);
    let second = watchdog_of(&child);
    assert_ne!(first, second);
    kill_pf(child);
    wait_for_end_of(&pids);
    wait_for_end_of(&[second]);
}

/// A service manager sends its signal to every process of a service.
#[test]
fn a_watchdog_stays_as_long_as_its_pf() {
    let pf = store_with(&["a"]);
    let (child, pids) = start(&pf, &[], STAYS, 1);
    let watchdog = watchdog_of(&child);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        kill(watchdog, signal);
    }
    kill_pf(child);
    wait_for_end_of(&pids);
    wait_for_end_of(&[watchdog]);
}

#[test]
fn nothing_is_left_of_a_pf_that_ends_by_itself() {
    let pf = store_with(&["a"]);
    let script = "echo $PPID >parent; sleep 1000 >/dev/null 2>&1 & echo $! >child";
    let _ = consume(&pf, &["-q"], script).succeeded();
    let number = |name| fs::read_to_string(pf.path(name)).unwrap().trim().to_owned();
    wait_until("the watchdog is gone", || {
        watchdogs(&number("parent")).is_empty().then_some(())
    });
    // Nothing runs an event that is done: what a command leaves behind on purpose is not ours to end.
    let child = number("child").parse().unwrap();
    assert!(runs(child));
    kill(child, Signal::KILL);
}

#[test]
fn a_long_run_goes_on_while_others_come_and_go() {
    let pf = store_with(&["a", "b", "c", "d"]);
    let script = "[ $PF_EVENT_ID != a ] || until [ -e b ] && [ -e c ] && [ -e d ]; do sleep 0.01; done; \
                  touch $PF_EVENT_ID";
    let run = consume(&pf, &["--jobs", "2"], script).succeeded();
    assert!(run.stderr().ends_with("4 handled\n"), "{run}");
}

#[test]
fn a_command_that_cannot_be_run_is_told_from_one_that_fails() {
    let pf = store_with(&["a"]);
    pf.write("bin/found", "#!/bin/sh\nexit 3\n");
    pf.write("bin/plain", "exit 0\n");
    pf.write("bin/orphaned", "#!/no/such/interpreter\n");
    pf.write("bin/text", "#!/bin/sh\nexit 0\n");
    for name in ["found", "plain", "orphaned"] {
        let path = pf.path("bin").join(name);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", pf.path("bin").display());
    let pf = pf.env("PATH", &path);
    let mut groups = (1..).map(|number| format!("group{number}"));
    let mut end = |flags: &[&str], command: &str| {
        let group = groups.next().unwrap();
        let args = ["consume", "order.created", "-g", &group, "--until-end"];
        let more = ["--max-attempts", "1", "--", command];
        let run = pf.run(&[&args[..], flags, &more].concat());
        let mut lines = run.stderr().lines();
        let error = lines.find(|line| line.starts_with("error"));
        format!("{}: {}", run.code().unwrap(), error.unwrap())
    };
    for flags in [&[][..], &["--worker"]] {
        for (command, why) in [
            ("./bin/text", "Permission denied (os error 13)"),
            ("./bin", "Permission denied (os error 13)"),
            ("./bin/plain", "Exec format error (os error 8)"),
            ("./bin/orphaned", "No such file or directory (os error 2)"),
            ("./found", "No such file or directory (os error 2)"),
            ("no-such", "No such file or directory (os error 2)"),
        ] {
            let told = format!("78: error: the handler cannot run: cannot run `{command}`: {why}");
            assert_eq!(end(flags, command), told, "{flags:?}");
        }
    }
    for command in ["found", "./bin/found", "bin/found"] {
        assert_eq!(end(&[], command), "4: error: 1 event was dead-lettered");
    }
}
