//! One store, the programs that work on it, and what they are known to have done.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use test_support::programs::Programs;

use crate::judge::Judge;

/// Handles an event: every tenth fails at first, another tenth is refused until the file `mended` exists.
const HANDLE: &str = r#"#!/bin/sh
handle() { # ID ATTEMPT
    case "$1" in
        *3) [ "$2" -gt 1 ] || return 1 ;;
        *7) [ -e "$HOME/mended" ] || return 65 ;;
    esac
    echo "$1" >> "$HANDLED"
}
"#;

const EACH: &str = r#"
handle "$PF_EVENT_ID" "$PF_DELIVERY_ATTEMPT"
status=$?
[ $status = 0 ] && echo '{"type":"payment.done","source":"/payments","data":{"of":"'"$PF_EVENT_ID"'"}}'
exit $status
"#;

const WORKER: &str = r#"
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    attempt=${line#*\"pfattempt\":}; attempt=${attempt%%[,\}]*}
    handle "$id" "$attempt"
    case $? in
        0) echo "{\"id\":\"$id\",\"action\":\"ack\",\"emit\":[{\"type\":\"payment.done\",\"source\":\"/payments\",\"data\":{\"of\":\"$id\"}}]}" ;;
        65) echo "{\"id\":\"$id\",\"action\":\"dead_letter\",\"reason\":\"refused\"}" ;;
        *) echo "{\"id\":\"$id\",\"action\":\"retry\",\"after\":\"1ms\"}" ;;
    esac
done
"#;

/// Lines that a publisher is given at a time.
const PORTION: usize = 10;

/// A store and its history.
pub struct Store {
    pub judge: Box<dyn Judge>,
    programs: Programs,
    /// Ids whose receipt was printed.
    pub accepted: Vec<String>,
    /// How often an id was in the hands of a consumer when that was killed.
    pub in_hand: HashMap<String, u32>,
    /// How many deliveries in all were in hand at kills.
    pub at_risk: u64,
    published: usize,
}

impl Store {
    pub fn new(judge: Box<dyn Judge>) -> Self {
        let scripts = [("each", EACH), ("worker", WORKER)]
            .map(|(name, body)| (name, format!("{HANDLE}{body}")));
        let scripts = scripts.each_ref().map(|(name, text)| (*name, &**text));
        Self {
            judge,
            programs: Programs::new(&scripts),
            accepted: Vec::new(),
            in_hand: HashMap::new(),
            at_risk: 0,
            published: 0,
        }
    }

    /// Returns the program on this store.
    pub fn pf(&self, arguments: &[&str]) -> Command {
        let mut command = self.programs.pf(self.judge.url().as_str(), arguments);
        command.stderr(self.errors());
        command
    }

    /// Returns a path in the folder of the programs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.programs.path(name)
    }

    /// Returns the last of what programs printed on stderr.
    pub fn errors_so_far(&self) -> String {
        let errors = fs::read(self.path("stderr")).unwrap_or_default();
        let last = errors.len().saturating_sub(2_000);
        String::from_utf8_lossy(&errors[last..]).into_owned()
    }

    fn errors(&self) -> File {
        let path = self.programs.path("stderr");
        File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
    }

    /// Returns a consumer of either sort that ends when nothing is left.
    pub fn consumer(&self, worker: bool) -> Command {
        let group = self.judge.group();
        let mut arguments = vec![
            "consume",
            "order.created",
            "--group",
            &group,
            "--until-end",
            "--emit",
        ];
        arguments.extend(["--jobs", "3", "--backoff", "1ms"]);
        arguments.extend(worker.then_some("--worker"));
        let script = self.programs.path(if worker { "worker" } else { "each" });
        let mut command = self.pf(&arguments);
        command.arg("--").arg(script);
        command
    }

    /// Publishes so many new events, every fifth delayed a little; notes the receipts that were printed. Kills the
    /// publisher once it has printed so many, if at all.
    pub fn publish(
        &mut self,
        count: usize,
        kill_at: Option<usize>,
        arm: impl FnOnce(&mut Command),
    ) -> ExitStatus {
        let ids: Vec<String> = (self.published..self.published + count)
            .map(|number| format!("e{number:06}"))
            .collect();
        self.published += count;
        let delays = self.judge.keeps_delays();
        let mut input = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            let delay = if delays && number % 5 == 4 {
                r#","pf_delay_ms":100"#
            } else {
                ""
            };
            let key = number % 7;
            writeln!(
                input,
                r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order.created","subject":"k{key}"{delay},"data":{{}}}}"#
            )
            .unwrap();
        }
        let mut command = self.pf(&["publish", "--ndjson", "-o", "json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        arm(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Lines come a few at a time, the next while the receipts of the last are read: a kill hits all stages.
        let (go_on, may_go_on) = mpsc::channel();
        let writer = thread::spawn(move || {
            let lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
            for lines in lines.chunks(PORTION) {
                let _ = stdin.write_all(&lines.concat());
                let _ = may_go_on.recv();
            }
        });
        let receipts = BufReader::new(child.stdout.take().unwrap());
        let before = self.accepted.len();
        for line in receipts.lines().map_while(Result::ok) {
            if kill_at == Some(self.accepted.len() - before) {
                let _ = child.kill();
            }
            // What was printed before it died counts; the last line may be a part of one.
            let Ok(receipt) = serde_json::from_str::<serde_json::Value>(&line) else {
                continue;
            };
            self.accepted
                .push(receipt["id"].as_str().unwrap().to_owned());
            if (self.accepted.len() - before) % PORTION == PORTION / 2 {
                let _ = go_on.send(());
            }
        }
        drop(go_on);
        writer.join().unwrap();
        child.wait().unwrap()
    }

    /// Publishes an event for later and calls it off again; tells whether that was killed the first time.
    pub fn call_off(&mut self, arm: impl FnOnce(&mut Command)) -> bool {
        let mut publish = self.pf(&[
            "publish",
            "reminder.due",
            "{}",
            "--delay",
            "45s",
            "--create",
        ]);
        assert!(publish.status().unwrap().success());
        let mut list = self.pf(&["schedule", "list", "--topic", "reminder.due", "-o", "json"]);
        let list = list.stdout(Stdio::piped()).output().unwrap();
        let listed = String::from_utf8(list.stdout).unwrap();
        let schedules = listed
            .lines()
            .map(|line| -> serde_json::Value { serde_json::from_str(line).unwrap() });
        let ids = schedules.map(|line| line["schedule"]["id"].as_str().unwrap().to_owned());
        let ids: Vec<String> = ids.collect();
        let mut cancel = self.pf(&["schedule", "cancel"]);
        cancel.args(&ids);
        arm(&mut cancel);
        let killed = self.run(cancel);
        if killed {
            let mut cancel = self.pf(&["schedule", "cancel"]);
            cancel.args(ids);
            self.run(cancel);
        }
        killed
    }

    /// Lets every refused event pass from now on.
    pub fn mend(&self) {
        fs::write(self.programs.path("mended"), "").unwrap();
    }

    /// Returns the ids that handlers finished, in order.
    pub fn handled(&self) -> Vec<String> {
        self.programs.handled()
    }

    /// Runs to the end; notes what was in hand if it was killed, and tells whether it was.
    pub fn run(&mut self, mut command: Command) -> bool {
        let status = command.status().unwrap();
        self.note_if_killed(status)
    }

    /// Kills once `far_enough` holds, and this long after, unless it ends before; notes what was in hand, and
    /// tells whether it was killed.
    pub fn run_and_kill(
        &mut self,
        mut command: Command,
        far_enough: impl Fn(&Self) -> bool,
        after: Duration,
    ) -> bool {
        let mut child = command.spawn().unwrap();
        while !far_enough(self) && child.try_wait().unwrap().is_none() {
            thread::park_timeout(Duration::from_millis(1));
        }
        kill_after(&mut child, after);
        let status = child.wait().unwrap();
        self.note_if_killed(status)
    }

    fn note_if_killed(&mut self, status: ExitStatus) -> bool {
        let killed = status.signal() == Some(9);
        if killed {
            let in_hand = self.judge.in_hand();
            self.at_risk += in_hand.count;
            for id in in_hand.ids {
                *self.in_hand.entry(id).or_default() += 1;
            }
            self.judge.after_a_kill();
        } else {
            assert!(
                matches!(status.code(), Some(0 | 1 | 4)),
                "ended with {status}, after\n{}",
                self.errors_so_far()
            );
        }
        killed
    }
}

/// Kills a process at a random moment: the moment itself is what is tested, so this waits for time.
pub fn kill_after(child: &mut Child, after: Duration) {
    let end = std::time::Instant::now() + after;
    while std::time::Instant::now() < end && child.try_wait().unwrap().is_none() {
        thread::park_timeout(Duration::from_millis(1));
    }
    let _ = child.kill();
}
