//! A real Apache Pulsar broker, standalone, on free ports, with a folder of its own, gone with the test.

use std::{
    fs,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::admin::Admin;
use crate::process::{Process, fetched, free_ports};

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
    process: Process,
    port: u16,
    web: u16,
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
        let mut process = Process::new("Pulsar", START);
        let [port, web] = free_ports();
        let text = format!(
            "{SETTINGS}brokerServicePort={port}\nwebServicePort={web}\n{}\n",
            settings.join("\n")
        );
        let folder = process.folder().to_owned();
        fs::write(folder.join("settings"), text).expect("it is written");
        fs::create_dir(folder.join("data")).expect("a new folder");
        let pulsar = pulsar();
        let classes = pulsar.join("classes.jsa");
        let classes = format!("-XX:SharedArchiveFile={}", classes.display());
        let start = concat!(env!("CARGO_MANIFEST_DIR"), "/pulsar/start.sh");
        process.set_words([start.into(), pulsar, folder, classes.into()]);
        let broker = Self {
            process,
            port,
            web,
            token: token.map(str::to_owned),
        };
        broker.restart();
        broker
    }

    /// Ends the broker as a crash would.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts the broker again on what it had stored, and waits until it stored and read a message of its own and has its
    /// first namespace; an open port is too early.
    pub fn restart(&self) {
        let admin = self.admin();
        let says = |path: &str, what: &str| {
            let answer = admin.ask("GET", path, "");
            answer.is_ok_and(|(_, body)| body.contains(what))
        };
        self.process.launch(|| {
            says("/admin/v2/brokers/health", "ok")
                && says("/admin/v2/namespaces/public", "public/default")
        });
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
}

/// Returns the folder that `fetch_pulsar` makes.
fn pulsar() -> PathBuf {
    fetched("PF_PULSAR", "pulsar-4.0.7", "jars")
}

impl crate::Urls for Broker {
    fn url(&self, rest: &str) -> String {
        Self::url(self, rest)
    }
}
