//! A real Kafka broker of one node on free ports, with a folder of its own, gone with the test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};

use crate::process::{Process, fetched, free_ports};

/// How long a broker may take to start.
const START: Duration = Duration::from_mins(2);
/// How long a question may take.
const ANSWER: Duration = Duration::from_secs(1);

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
    process: Process,
    port: u16,
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
        let mut process = Process::new("Kafka", START);
        let [port, controller] = free_ports();
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let data = process.folder().join("data");
        let file = process.folder().join("settings");
        let settings = settings.join("\n").replace("{port}", &port.to_string());
        let settings = settings.replace("{controller}", &controller.to_string());
        let text = format!(
            "{SETTINGS}listeners={listeners}\nadvertised.listeners={listeners}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n{}\n",
            data.display(),
            settings
        );
        fs::write(&file, text).expect("it is written");
        format(&data);
        process.set_words(words(&file));
        let broker = Self { process, port };
        broker.restart();
        broker
    }

    /// Ends the broker as a crash would.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts the broker again on what it had stored, and waits until it names itself and every partition has a leader;
    /// an open port is too early.
    pub fn restart(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        config.set("reconnect.backoff.max.ms", "100");
        let client: BaseConsumer = config.create().expect("a client");
        self.process.launch(|| answers(&client));
    }

    /// Removes what a broker that was killed had stored of a partition, as a disk that was lost would.
    pub fn lose(&self, topic: &str, partition: i32) {
        let log = format!("data/{topic}-{partition}");
        fs::remove_dir_all(self.process.folder().join(log)).expect("it was stored");
    }

    /// Returns where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns its URL with parameters, as in `prefix=shop.&partitions=6`.
    pub fn url(&self, parameters: &str) -> String {
        format!("kafka://{}/?{parameters}", self.address())
    }
}

/// Returns the folder that `fetch_kafka` makes.
fn kafka() -> PathBuf {
    fetched("PF_KAFKA", "kafka-4.1.0", "bootstrap.checkpoint")
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

/// Returns the program and its arguments.
fn words(settings: &Path) -> Vec<PathBuf> {
    let kafka = kafka();
    let classes = kafka.join("classes.jsa");
    let mut words: Vec<PathBuf> = [
        "java",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    ]
    .map(PathBuf::from)
    .to_vec();
    words.push(format!("-XX:SharedArchiveFile={}", classes.display()).into());
    words.extend(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"].map(PathBuf::from));
    words.extend([kafka.join("jars/*"), "kafka.Kafka".into(), settings.into()]);
    words
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
