//! Programs at work on one store, and what they are known to have done.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{harness::program, wait::until};

/// A folder in which handlers note what they did, and programs that start there.
pub struct Programs {
    folder: TempDir,
}

impl Programs {
    /// Writes scripts that handle events; each appends the id of an event that it handled to `$HANDLED`.
    pub fn new(scripts: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in scripts {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Prepares `pf` on a store; what it prints on stderr goes to the test's own output.
    pub fn pf(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("PF_URL", url)
            .env("HANDLED", self.path("handled"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Returns the ids that handlers noted, in order.
    pub fn handled(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("handled")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Starts to publish orders whose ids begin so, each with its key, if any; collects the receipts.
    pub fn publish(
        &self,
        url: &str,
        start: &str,
        count: usize,
        more: &[&str],
        key: impl Fn(usize) -> Option<String>,
    ) -> Publishing {
        let mut lines = String::new();
        for (number, id) in ids(start, count).iter().enumerate() {
            let key = key(number).map_or_else(String::new, |key| format!(r#""subject":"{key}","#));
            let _ = writeln!(
                lines,
                r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order",{key}"data":{{}}}}"#
            );
        }
        let input = self.path(&format!("{start}.ndjson"));
        fs::write(&input, lines).unwrap();
        let mut command = self.pf(url, &["publish", "--ndjson", "-o", "json"]);
        command
            .args(more)
            .stdin(fs::File::open(input).unwrap())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let receipts = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            let receipt =
                |line: String| -> serde_json::Value { serde_json::from_str(&line).unwrap() };
            let lines = receipts.lines().map_while(Result::ok);
            let published = lines.map(receipt).filter(|line| line["duplicate"] != true);
            // A line that was refused has an error in the place of an id.
            let ids = published.filter_map(|line| line["id"].as_str().map(str::to_owned));
            ids.collect()
        });
        Publishing { child, reader }
    }
}

/// A publisher at work.
pub struct Publishing {
    child: Child,
    reader: thread::JoinHandle<Vec<String>>,
}

impl Publishing {
    /// Waits for the end; returns the ids whose receipt was printed, without those of duplicates.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let accepted = self.reader.join().unwrap();
        (self.child.wait().unwrap(), accepted)
    }

    /// Waits for the end, and fails the test unless so many receipts were printed.
    pub fn succeeded(self, count: usize) {
        let (status, accepted) = self.end();
        assert!(status.success());
        assert_eq!(accepted.len(), count);
    }
}

/// A program that runs until it is signalled to stop, and is never left behind.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Sends a signal. One that a program handles waits until it is ready to: before that it would only kill it.
    pub fn signal(&self, signal: Signal) {
        if signal == Signal::TERM || signal == Signal::INT {
            until("the program handles the signal", || {
                handles(self.id(), signal)
            });
        }
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Lets it finish what is in flight.
    pub fn drain(mut self) {
        self.signal(Signal::TERM);
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Waits for the end.
    pub fn end(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

/// Reports whether a process has a handler for a signal, or has ended.
fn handles(process: u32, signal: Signal) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
        return true; // not on Linux
    };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let has_ended = status.lines().any(|line| line.starts_with("State:\tZ"));
    has_ended || caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Counts what is missing and what is there more than once, and prints both.
pub fn count(what: &str, wanted: &[String], found: &[String]) -> (usize, usize) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for id in found {
        *times.entry(id).or_default() += 1;
    }
    let lost = wanted
        .iter()
        .filter(|id| !times.contains_key(id.as_str()))
        .count();
    let doubled = found.len() - times.len();
    println!(
        "{what}: {} events, lost {lost}, doubled {doubled}",
        wanted.len()
    );
    (lost, doubled)
}

/// Returns the ids of published events.
pub fn ids(start: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{start}{number:06}"))
        .collect()
}

/// Reports whether the long tests are wanted.
pub fn is_long() -> bool {
    std::env::var_os("PF_TEST_LONG").is_some()
}
