//! A hermetic `pf`, and what it did in a form that is the same every time.

use std::{
    fmt,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::normalise::normalise;

/// No command in these tests takes longer.
const LIMIT: Duration = Duration::from_mins(1);

/// Returns where Cargo put `pf`.
pub fn program() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        test.parent().unwrap().with_file_name("pf")
    };
    std::env::var_os("CARGO_BIN_EXE_pf").map_or_else(beside, PathBuf::from)
}

/// A user with a home folder of their own, who works in it.
pub struct Pf {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a command did.
pub struct Run {
    output: Output,
    home: String,
}

impl Pf {
    /// A user whose store is `events.db` in the home folder.
    pub fn new() -> Self {
        Self::bare().env("PF_URL", "sqlite:events.db")
    }

    /// A user who has chosen no store.
    pub fn bare() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// Sets a variable for every command.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a path in the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the home folder, with its parents.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Prepares a command, its streams not yet chosen.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("COLUMNS", "100")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .args(args);
        command
    }

    /// Runs a command with nothing on stdin.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "")
    }

    /// Runs a command with this on stdin.
    #[must_use]
    pub fn run_with(&self, args: &[&str], stdin: impl Into<Vec<u8>>) -> Run {
        let mut child = self.spawn(args);
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.into();
        // Whoever does not read to the end closes the pipe early.
        std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        self.finish(child)
    }

    /// Starts a command with all three streams piped.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits for a command that was started, and kills it when it takes too long.
    pub fn finish(&self, child: Child) -> Run {
        let pid = Pid::from_child(&child);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let output = receiver.recv_timeout(LIMIT).unwrap_or_else(|_| {
            kill_process(pid, Signal::KILL).unwrap();
            receiver.recv().unwrap()
        });
        Run {
            output: output.unwrap(),
            home: self.home.path().display().to_string(),
        }
    }
}

impl Run {
    /// Returns stdout as it was written.
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.output.stdout).unwrap()
    }

    /// Returns stderr as it was written.
    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.output.stderr).unwrap()
    }

    /// Returns stdout, of which each line is a JSON value.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns how the process ended.
    pub fn status(&self) -> ExitStatus {
        self.output.status
    }

    /// Returns the exit code.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Shows it without the line that announces an end which takes its time, as it may on a busy machine.
    pub fn unhurried(&self) -> String {
        let line = "stopping; a second signal aborts\n";
        self.to_string().replace(line, "")
    }

    /// Fails the test, showing everything, unless the command ended with 0.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code(), Some(0), "{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(&self.home, "[HOME]");
            normalise(&text)
        };
        match self.code() {
            Some(code) => writeln!(f, "exit: {code}")?,
            None => writeln!(f, "{}", self.status())?,
        }
        writeln!(f, "--- stdout\n{}", show(&self.output.stdout))?;
        write!(f, "--- stderr\n{}", show(&self.output.stderr))
    }
}
