//! A real Apache Pulsar broker, standalone, on free ports, with a folder of its own, gone with the test.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::admin::Admin;
use crate::{
    TARGET,
    kafka::server::{LAUNCH, free_ports},
};

/// How long a broker may take to start; after a crash it waits for its former session to end.
const START: Duration = Duration::from_mins(3);

/// Settings under which tests are quick. Acknowledgements of single members of a batch stay off, as they are for users.
const SETTINGS: &str = "\
bindAddress=127.0.0.1
advertisedAddress=127.0.0.1
clusterName=standalone
allowAutoTopicCreation=true
delayedDeliveryEnabled=true
delayedDeliveryTickTimeMillis=100
loadBalancerEnabled=false
managedLedgerDefaultEnsembleSize=1
managedLedgerDefaultWriteQuorum=1
managedLedgerDefaultAckQuorum=1
metadataStoreSessionTimeoutMillis=4000
brokerShutdownTimeoutMs=1000
activeConsumerFailoverDelayTimeMillis=200
";

/// The broker of all tests of this program that need none of their own.
static SHARED: LazyLock<Broker> = LazyLock::new(Broker::start);
/// Numbers of namespaces.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A broker.
pub struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    web: u16,
    child: Mutex<Child>,
    token: Option<String>,
}

impl Broker {
    /// Returns the broker of all tests of this program, which starts with the first of them and ends with the program.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// Starts a broker of one's own and waits until it is healthy.
    pub fn start() -> Self {
        Self::start_with(&[], None)
    }

    /// Starts a broker with settings of its own, as in `authenticationEnabled=true`; the token is that of its admin.
    pub fn start_with(settings: &[&str], token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [port, web] = free_ports();
        let text = format!(
            "{SETTINGS}brokerServicePort={port}\nwebServicePort={web}\n{}\n",
            settings.join("\n")
        );
        fs::write(folder.path().join("settings"), text).expect("it is written");
        fs::create_dir(folder.path().join("data")).expect("a new folder");
        let child = Mutex::new(launch(folder.path()));
        let broker = Self {
            folder,
            port,
            web,
            child,
            token: token.map(str::to_owned),
        };
        broker.wait();
        broker
    }

    /// Ends the broker as a crash would.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        if let Some(mut other_half) = child.stdin.take() {
            let _ = other_half.write_all(b"killed\n");
        }
        let _ = child.wait();
    }

    /// Starts the broker again on what it had stored.
    pub fn restart(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        *child = launch(self.folder.path());
        drop(child);
        self.wait();
    }

    /// Returns where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns its admin API.
    pub fn admin(&self) -> Admin {
        Admin {
            address: format!("127.0.0.1:{}", self.web),
            token: self.token.clone(),
        }
    }

    /// Returns its URL, completed as in `public/shop?type=shared`.
    pub fn url(&self, rest: &str) -> String {
        let and = if rest.contains('?') { '&' } else { '?' };
        let web = self.web;
        format!(
            "pulsar://{}/{rest}{and}admin=http://127.0.0.1:{web}",
            self.address()
        )
    }

    /// Creates a namespace that no other test uses, and returns it as in a URL.
    pub fn namespace(&self) -> String {
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.admin().create_namespace(&name);
        format!("public/{name}")
    }

    /// Waits until it stored and read a message of its own, and has its first namespace; an open port is too early.
    fn wait(&self) {
        let end = Instant::now() + START;
        let admin = self.admin();
        let says = |path: &str, what: &str| {
            let answer = admin.ask("GET", path, "");
            answer.is_ok_and(|(_, body)| body.contains(what))
        };
        let is_healthy = || {
            says("/admin/v2/brokers/health", "ok")
                && says("/admin/v2/namespaces/public", "public/default")
        };
        while !is_healthy() {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > end {
                self.give_up(&format!("Pulsar did not start: {ended:?}"));
            }
            drop(child);
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Keeps the log of a failed start, and fails.
    fn give_up(&self, why: &str) -> ! {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let kept = Path::new(TARGET)
            .join("tmp")
            .join(format!("pulsar-{}.log", self.port));
        let _ = fs::write(&kept, &log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n");
        panic!("{why}; all of its log is in {}\n{last}", kept.display());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the folder that `fetch_pulsar` makes.
fn pulsar() -> PathBuf {
    let fetched = || Path::new(TARGET).join("brokers/pulsar-4.0.7");
    let folder = std::env::var_os("PF_PULSAR").map_or_else(fetched, PathBuf::from);
    assert!(
        folder.join("jars").exists(),
        "{} (PF_PULSAR) has no Pulsar: tests/run fetches it",
        folder.display()
    );
    folder
}

fn launch(folder: &Path) -> Child {
    let pulsar = pulsar();
    let log = folder.join("log");
    let log = File::options().create(true).append(true).open(log);
    let log = log.expect("a log");
    let start = concat!(env!("CARGO_MANIFEST_DIR"), "/pulsar/start.sh");
    Command::new("sh")
        .args(["-c", LAUNCH, "pulsar", start])
        .args([&pulsar, folder])
        .arg(format!(
            "-XX:SharedArchiveFile={}",
            pulsar.join("classes.jsa").display()
        ))
        .env("FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("sh starts")
}

impl crate::Urls for Broker {
    fn url(&self, rest: &str) -> String {
        Self::url(self, rest)
    }
}
