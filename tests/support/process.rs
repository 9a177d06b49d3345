//! A server as a process: with a folder of its own, killed and started again at will, and gone with the test.

use std::{
    fs::{self, File},
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::TARGET;

/// Ports that no outgoing connection gets, so that a server finds its own again after a restart.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// The pause between two looks at a server that starts.
const PAUSE: Duration = Duration::from_millis(50);

/// The shell becomes the server. Should the test vanish without a word, the other half ends it and removes its folder.
const LAUNCH: &str = r#"
exec 3<&0 </dev/null
{ read -r word <&3 || { kill -KILL $$; sleep 1; rm -rf "$FOLDER"; }; } &
exec "$@" 3<&-
"#;

/// A server that runs, or was killed.
pub struct Process {
    name: &'static str,
    folder: tempfile::TempDir,
    /// The program and its arguments.
    words: Vec<PathBuf>,
    /// How long it may take to start.
    start: Duration,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Prepares a server that has yet to be launched.
    pub fn new(name: &'static str, start: Duration) -> Self {
        Self {
            name,
            folder: tempfile::tempdir().expect("a temporary folder"),
            words: Vec::new(),
            start,
            child: Mutex::new(None),
        }
    }

    /// Returns its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets the program and its arguments.
    pub fn set_words<W: Into<PathBuf>>(&mut self, words: impl IntoIterator<Item = W>) {
        self.words = words.into_iter().map(Into::into).collect();
    }

    /// Launches it, on what it had stored if it was killed, and waits until it answers.
    pub fn launch(&self, mut answers: impl FnMut() -> bool) {
        *self.child() = Some(self.spawn());
        let end = Instant::now() + self.start;
        while !answers() {
            let ended = self
                .child()
                .as_mut()
                .map(|child| child.try_wait().expect("a child"));
            if !matches!(ended, Some(None)) || Instant::now() > end {
                self.give_up(&format!("{} did not start: {ended:?}", self.name));
            }
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        let Some(mut child) = self.child().take() else {
            return;
        };
        let _ = child.kill();
        if let Some(mut other_half) = child.stdin.take() {
            let _ = other_half.write_all(b"killed\n");
        }
        let _ = child.wait();
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> Child {
        let log = self.folder().join("log");
        let log = File::options().create(true).append(true).open(log);
        let log = log.expect("a log");
        Command::new("sh")
            .args(["-c", LAUNCH, self.name])
            .args(&self.words)
            .env("FOLDER", self.folder())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("sh starts")
    }

    /// Keeps the log of a failed start, and fails.
    fn give_up(&self, why: &str) -> ! {
        let log = fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        let name = format!("{}-{}.log", self.name, std::process::id());
        let kept = Path::new(TARGET).join("tmp").join(name);
        let _ = fs::write(&kept, &log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n");
        panic!("{why}; all of its log is in {}\n{last}", kept.display());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns two ports, which are held until both are known.
pub fn free_ports() -> [u16; 2] {
    let hold = || {
        let mut ports = std::iter::repeat_with(|| fastrand::u16(PORTS));
        let held = ports.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
        held.expect("it goes on for ever")
    };
    let both = [hold(), hold()];
    both.map(|one| one.local_addr().expect("it is bound").port())
}

/// Returns the folder of a fetched server, or the one that a variable names; a file in it tells that it is whole.
pub fn fetched(variable: &str, name: &str, file: &str) -> PathBuf {
    let fetched = || Path::new(TARGET).join("brokers").join(name);
    let folder = std::env::var_os(variable).map_or_else(fetched, PathBuf::from);
    assert!(
        folder.join(file).exists(),
        "{} ({variable}) has no {name}: tests/run fetches it",
        folder.display()
    );
    folder
}
