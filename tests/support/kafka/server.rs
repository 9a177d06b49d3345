//! A real Kafka broker of one node on free ports, with a folder of its own, gone with the test.

use std::{
    fs::{self, File},
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::TARGET;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};

/// How long a broker may take to start.
const START: Duration = Duration::from_mins(2);
/// How long a question may take.
const ANSWER: Duration = Duration::from_secs(1);
/// Ports that no outgoing connection gets, so that a broker finds its own again after a restart.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The program becomes the broker. Should whoever started it vanish without a word, the other half ends it and
/// removes its folder.
pub(crate) const LAUNCH: &str = r#"
exec 3<&0 </dev/null
{ read -r word <&3 || { kill -KILL $$; sleep 1; rm -rf "$FOLDER"; }; } &
exec "$@" 3<&-
"#;

/// Settings under which tests are quick; `offsets.topic` and `transaction.state.log` are made at the first join.
const SETTINGS: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=100
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=200
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
";

/// The broker of all tests of this program that need none of their own.
static SHARED: LazyLock<Broker> = LazyLock::new(Broker::start);

/// A broker.
pub struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    child: Mutex<Child>,
}

impl Broker {
    /// Returns the broker of all tests of this program, which starts with the first of them and ends with the program.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// Starts a broker of one's own and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a broker with settings of its own, as in `log.cleaner.backoff.ms=500`; `{port}` and `{controller}` in
    /// them stand for its ports.
    pub fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [port, controller] = free_ports();
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let data = folder.path().join("data");
        let settings = settings.join("\n").replace("{port}", &port.to_string());
        let settings = settings.replace("{controller}", &controller.to_string());
        let text = format!(
            "{SETTINGS}listeners={listeners}\nadvertised.listeners={listeners}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n{}\n",
            data.display(),
            settings
        );
        fs::write(folder.path().join("settings"), text).expect("it is written");
        format(&data);
        let child = Mutex::new(launch(folder.path()));
        let broker = Self {
            folder,
            port,
            child,
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

    /// Removes what a broker that was killed had stored of a partition, as a disk that was lost would.
    pub fn lose(&self, topic: &str, partition: i32) {
        let log = format!("data/{topic}-{partition}");
        fs::remove_dir_all(self.folder.path().join(log)).expect("it was stored");
    }

    /// Returns where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns its URL with parameters, as in `prefix=shop.&partitions=6`.
    pub fn url(&self, parameters: &str) -> String {
        format!("kafka://{}/?{parameters}", self.address())
    }

    /// Waits until it names itself and every partition has a leader; an open port is too early.
    fn wait(&self) {
        let end = Instant::now() + START;
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        config.set("reconnect.backoff.max.ms", "100");
        let client: BaseConsumer = config.create().expect("a client");
        while !answers(&client) {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > end {
                self.give_up(&format!("Kafka did not start: {ended:?}"));
            }
        }
    }

    /// Keeps the log of a failed start, and fails.
    fn give_up(&self, why: &str) -> ! {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let kept = Path::new(TARGET)
            .join("tmp")
            .join(format!("kafka-{}.log", self.port));
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

/// Returns two ports, which are held until both are known.
pub(crate) fn free_ports() -> [u16; 2] {
    let hold = || {
        let mut ports = std::iter::repeat_with(|| fastrand::u16(PORTS));
        let held = ports.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
        held.expect("it goes on for ever")
    };
    let both = [hold(), hold()];
    both.map(|one| one.local_addr().expect("it is bound").port())
}

/// Returns the folder that `fetch_kafka` makes.
fn kafka() -> PathBuf {
    let fetched = || Path::new(TARGET).join("brokers/kafka-4.1.0");
    let folder = std::env::var_os("PF_KAFKA").map_or_else(fetched, PathBuf::from);
    assert!(
        folder.join("bootstrap.checkpoint").exists(),
        "{} (PF_KAFKA) has no Kafka: tests/run fetches it",
        folder.display()
    );
    folder
}

/// Writes what Kafka's own tool would: it takes as long as a start, and here only the names differ.
fn format(data: &Path) {
    fs::create_dir(data).expect("a new folder");
    let id = || {
        let mut id = [0; 16];
        fastrand::fill(&mut id);
        data_encoding::BASE64URL_NOPAD.encode(&id)
    };
    let names = format!(
        "version=1\nnode.id=1\ncluster.id={}\ndirectory.id={}\n",
        id(),
        id()
    );
    fs::write(data.join("meta.properties"), names).expect("it is written");
    let begin = "bootstrap.checkpoint";
    fs::copy(kafka().join(begin), data.join(begin)).expect("it is copied");
}

fn launch(folder: &Path) -> Child {
    let kafka = kafka();
    let log = folder.join("log");
    let log = File::options().create(true).append(true).open(log);
    let log = log.expect("a log");
    Command::new("sh")
        .args(["-c", LAUNCH, "kafka", "java"])
        .args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg(format!(
            "-XX:SharedArchiveFile={}",
            kafka.join("classes.jsa").display()
        ))
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-cp")
        .arg(kafka.join("jars/*"))
        .arg("kafka.Kafka")
        .arg(folder.join("settings"))
        .env("FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("sh starts")
}

fn answers(client: &BaseConsumer) -> bool {
    let Ok(metadata) = client.fetch_metadata(None, ANSWER) else {
        return false;
    };
    let topics = metadata.topics().iter();
    let mut partitions = topics.flat_map(rdkafka::metadata::MetadataTopic::partitions);
    !metadata.brokers().is_empty() && partitions.all(|partition| partition.leader() >= 0)
}

impl crate::Urls for Broker {
    fn url(&self, rest: &str) -> String {
        Self::url(self, rest)
    }
}
