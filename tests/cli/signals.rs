//! What signals do to `pf consume`: drain, end at once, and what a kill leaves.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStderr},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    consume::{consume, store_with},
    harness::Pf,
};

/// Reports that it runs, then waits for a write to the pipe.
const WAITS: &str = "echo started $$ >&2; read -r go <go; echo done";

/// A consumer in the middle of a run.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    handler: Pid,
}

fn start(pf: &Pf, flags: &[&str], script: &str) -> Running {
    let status = std::process::Command::new("mkfifo")
        .arg(pf.path("go"))
        .status();
    assert!(status.unwrap().success());
    let args = ["consume", "order.created", "-g", "billing"];
    let mut child = pf.spawn(&[&args[..], flags, &["--", "sh", "-c", script]].concat());
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut running = Running {
        child,
        stderr,
        handler: Pid::INIT,
    };
    let line = running.line("started");
    let number = line.trim().rsplit(' ').next().unwrap();
    running.handler = Pid::from_raw(number.parse().unwrap()).unwrap();
    running
}

impl Running {
    /// Waits for a line on stderr that begins so.
    fn line(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.stderr.read_line(&mut line).unwrap(),
                0,
                "no line {text}"
            );
            if line.starts_with(text) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Lets the handler go on.
    fn go(pf: &Pf) {
        let mut pipe = OpenOptions::new().write(true).open(pf.path("go")).unwrap();
        pipe.write_all(b"\n").unwrap();
    }

    /// Waits for the end and returns the exit status with what was left on stdout and stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).unwrap();
        let mut pipe = self.child.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

#[test]
fn the_first_signal_lets_the_run_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let pf = store_with(&["a", "b"]);
        let mut running = start(&pf, &[], WAITS);
        running.signal(signal);
        running.line("stopping");
        Running::go(&pf);
        let (code, stdout, stderr) = running.end();
        assert_eq!((code, stdout.as_str()), (Some(0), "done\n"), "{stderr}");
        let left = consume(&pf, &["-q"], "echo $PF_EVENT_ID").succeeded();
        assert_eq!(left.stdout(), "b\n");
    }
}

/// `timeout` tells its child and then its whole process group.
#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let pf = store_with(&["a"]);
    let mut running = start(&pf, &[], WAITS);
    running.signal(Signal::TERM);
    running.signal(Signal::TERM);
    running.signal(Signal::INT);
    running.line("stopping");
    Running::go(&pf);
    let (code, stdout, stderr) = running.end();
    assert_eq!((code, stdout.as_str()), (Some(0), "done\n"), "{stderr}");
}

#[test]
fn the_second_signal_ends_at_once_and_spends_nothing() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let pf = store_with(&["a"]);
        let mut running = start(&pf, &[], WAITS);
        running.signal(signal);
        running.line("stopping");
        running.signal(signal);
        let handler = running.handler;
        let (ended, _, stderr) = running.end();
        assert_eq!(ended, Some(code), "{stderr}");
        assert!(test_kill_process(handler).is_err());
        let left = consume(&pf, &["-q"], "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT").succeeded();
        assert_eq!(left.stdout(), "a 1\n");
    }
}

#[test]
fn the_second_signal_ends_what_nobody_reads() {
    let pf = Pf::new();
    // Far more than a pipe holds, written at once: once its first byte has arrived, the rest is blocked.
    let data = format!("\"{}\"", "x".repeat(500_000));
    let _ = pf.run_with(&["publish", "a", "-q"], data).succeeded();
    let mut tail = pf.spawn(&["tail", "--until-end", "-o", "raw"]);
    let mut first = [0];
    let mut stdout = tail.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    let pid = Pid::from_child(&tail);
    kill_process(pid, Signal::INT).unwrap();
    let mut stderr = BufReader::new(tail.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("stopping"), "{line}");
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(tail.wait().unwrap().code(), Some(130));
}

#[test]
fn a_drain_ends_when_its_grace_is_over() {
    let pf = store_with(&["a"]);
    let running = start(&pf, &["--grace", "200ms"], WAITS);
    running.signal(Signal::TERM);
    let (code, _, stderr) = running.end();
    assert_eq!(code, Some(143), "{stderr}");
    let left = consume(&pf, &["-q"], "echo $PF_DELIVERY_ATTEMPT").succeeded();
    assert_eq!(left.stdout(), "1\n");
}

#[test]
fn a_worker_is_let_finish_too() {
    let pf = store_with(&["a"]);
    let script = "read -r event; echo started $$ >&2; read -r go <go; \
                  echo '{\"id\":\"a\",\"action\":\"ack\"}'; cat >/dev/null";
    let mut running = start(&pf, &["--worker"], script);
    running.signal(Signal::TERM);
    running.line("stopping");
    Running::go(&pf);
    let (code, _, stderr) = running.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("1 handled"), "{stderr}");
}

#[test]
fn a_kill_in_the_middle_loses_nothing_and_counts_apart() {
    let pf = store_with(&["a"]);
    let running = start(&pf, &[], WAITS);
    running.signal(Signal::KILL);
    let _ = running.end();
    let run = consume(&pf, &["-q"], "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT").succeeded();
    assert_eq!(run.stdout(), "a 1\n");
}

#[test]
fn a_tail_that_was_to_show_more_says_so() {
    for (flags, signal, code) in [
        (&["--count", "2"], Signal::INT, 130),
        (&["--until", "2100-01-01T00:00:00Z"], Signal::TERM, 143),
        (&["--last", "1"], Signal::TERM, 0),
    ] {
        let pf = store_with(&["a"]);
        let args = ["tail", "--since", "earliest", "-o", "json"];
        let args = if flags[0] == "--last" {
            &["tail", "-o", "json"][..]
        } else {
            &args
        };
        let mut tail = pf.spawn(&[args, &flags[..]].concat());
        let mut line = String::new();
        let mut stdout = BufReader::new(tail.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        kill_process(Pid::from_child(&tail), signal).unwrap();
        let run = pf.finish(tail);
        assert_eq!(run.code(), Some(code), "{flags:?} {run}");
    }
}

/// Whatever started the tests, and as `nohup` starts it.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_asks_for_a_drain_unless_it_is_to_be_outlived() {
    const EVENTS: usize = 50;
    let ids: Vec<String> = (0..EVENTS).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (disposition, outlives) in [
        ("--default-signal=HUP", false),
        ("--ignore-signal=HUP", true),
    ] {
        let pf = store_with(&ids);
        let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
        let hang_up = ["--", "sh", "-c", "kill -HUP $PPID; echo $PF_EVENT_ID"];
        let command = pf.command(&[&consume[..], &hang_up].concat());
        let mut env = std::process::Command::new("env");
        env.env_clear().current_dir(pf.path("")).arg(disposition);
        env.arg(command.get_program()).args(command.get_args());
        env.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = env.output().unwrap();
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let handled = stdout.lines().count();
        assert_eq!(handled == EVENTS, outlives, "{handled} {stderr}");
        let left = consume_all(&pf);
        assert_eq!(handled + left, EVENTS);
    }
}

#[cfg(target_os = "linux")]
fn consume_all(pf: &Pf) -> usize {
    let left = consume(pf, &["-q"], "echo $PF_EVENT_ID").succeeded();
    left.stdout().lines().count()
}
