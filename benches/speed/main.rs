//! Speed and memory beside the raw side, in interleaved rounds of one run.
//!
//! `cargo bench -- [NAME…] [--events N] [--rounds N]` runs those whose name contains one of the words: `nats` runs all
//! of NATS, `consume` those of every store.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::large_futures,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark: it prints, and what fails should end it"
)]

mod events;
mod handler;
mod kafka;
mod nats;
mod outbox;
mod program;
mod protobuf;
mod pulsar;
mod raw;
mod rounds;
mod sqlite;
mod telemetry;
mod triage;

/// As `pf` has it; both sides get it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub struct Plan {
    words: Vec<String>,
    pub events: usize,
    pub rounds: usize,
}

impl Plan {
    fn from_arguments() -> Self {
        let mut plan = Self {
            words: Vec::new(),
            events: 200_000,
            rounds: 7,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|text| text.parse().ok()).unwrap();
            match argument.as_str() {
                "--events" => plan.events = number(),
                "--rounds" => plan.rounds = number(),
                "--bench" => {}
                _ => plan.words.push(argument),
            }
        }
        plan
    }

    fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}

type Benchmark = fn(&Plan);

const EVENTS: [(&str, Benchmark); 6] = [
    ("protobuf-to-json", protobuf::to_json),
    ("protobuf-from-json", protobuf::from_json),
    ("metrics-counted", telemetry::counted),
    ("metrics-served", telemetry::served),
    ("spans-seen", telemetry::seen),
    ("spans-traced", telemetry::traced),
];

const SQLITE: [(&str, Benchmark); 19] = [
    ("sqlite-publish-ndjson", sqlite::publish::ndjson),
    ("sqlite-publish-lines", sqlite::publish::lines),
    ("sqlite-consume-message", sqlite::consume::message),
    ("sqlite-consume-event", sqlite::consume::event),
    ("sqlite-consume-mixed", sqlite::consume::mixed),
    ("sqlite-consume-dedup", sqlite::consume::dedup),
    ("sqlite-tail-json", sqlite::tail::json),
    ("sqlite-exec-each", sqlite::exec::each),
    ("sqlite-exec-worker", sqlite::exec::worker),
    ("sqlite-one-shot", sqlite::one_shot::publish),
    ("sqlite-delay", sqlite::delay::lateness),
    ("sqlite-wake", sqlite::delay::wake),
    ("sqlite-dlq-stats", sqlite::dead_letters::stats),
    ("sqlite-dlq-memory", sqlite::dead_letters::memory),
    ("sqlite-dlq-replay", sqlite::dead_letters::replay),
    ("sqlite-dlq-edit", sqlite::dead_letters::edit),
    ("sqlite-dlq-verify", sqlite::dead_letters::verify),
    ("sqlite-dlq-rate", sqlite::dead_letters::rate),
    ("sqlite-memory", sqlite::memory::flat),
];

const NATS: [(&str, Benchmark); 18] = [
    ("nats-publish-ndjson", nats::publish::ndjson),
    ("nats-publish-tool", nats::publish::tool),
    ("nats-consume-message", nats::consume::message),
    ("nats-consume-event", nats::consume::event),
    ("nats-consume-mixed", nats::consume::mixed),
    ("nats-consume-dedup", nats::consume::dedup),
    ("nats-dead-lettering", nats::consume::deadly),
    ("nats-tail-event", nats::tail::event),
    ("nats-tail-tool", nats::tail::tool),
    ("nats-dlq-list", nats::dead_letters::list),
    ("nats-dlq-stats", nats::dead_letters::stats),
    ("nats-dlq-check", nats::dead_letters::check),
    ("nats-dlq-replay", nats::dead_letters::replay),
    ("nats-dlq-edit", nats::dead_letters::edit),
    ("nats-dlq-verify", nats::dead_letters::verify),
    ("nats-dlq-rate", nats::dead_letters::rate),
    ("nats-one-shot", nats::one_shot::publish),
    ("nats-memory", nats::memory::flat),
];

const KAFKA: [(&str, Benchmark); 20] = [
    ("kafka-publish-ndjson", kafka::publish::ndjson),
    ("kafka-publish-tool", kafka::publish::tool),
    ("kafka-consume-message", kafka::consume::message),
    ("kafka-consume-event", kafka::consume::event),
    ("kafka-consume-mixed", kafka::consume::mixed),
    ("kafka-consume-dedup", kafka::consume::dedup),
    ("kafka-tail-tool", kafka::tail::tool),
    ("kafka-dlq-stats", kafka::dead_letters::stats),
    ("kafka-dlq-list", kafka::dead_letters::list),
    ("kafka-dlq-check", kafka::dead_letters::check),
    ("kafka-dlq-replay", kafka::dead_letters::replay),
    ("kafka-dlq-edit", kafka::dead_letters::edit),
    ("kafka-dlq-verify", kafka::dead_letters::verify),
    ("kafka-dlq-rate", kafka::dead_letters::rate),
    ("kafka-firing-rate", kafka::delay::rate),
    ("kafka-firing-lateness", kafka::delay::lateness),
    ("kafka-firing-start", kafka::delay::start),
    ("kafka-one-shot", kafka::one_shot::publish),
    ("kafka-memory", kafka::memory::flat),
    ("kafka-waiting-memory", kafka::memory::waiting),
];

const PULSAR: [(&str, Benchmark); 11] = [
    ("pulsar-publish-ndjson", pulsar::publish::ndjson),
    ("pulsar-consume-message", pulsar::consume::message),
    ("pulsar-consume-event", pulsar::consume::event),
    ("pulsar-tail", pulsar::tail::event),
    ("pulsar-one-shot", pulsar::one_shot::publish),
    ("pulsar-memory", pulsar::memory::flat),
    ("pulsar-dlq-list", pulsar::dead_letters::list),
    ("pulsar-dlq-stats", pulsar::dead_letters::stats),
    ("pulsar-dlq-check", pulsar::dead_letters::check),
    ("pulsar-dlq-replay", pulsar::dead_letters::replay),
    ("pulsar-dlq-verify", pulsar::dead_letters::verify),
];

const OUTBOX: [(&str, Benchmark); 4] = [
    ("outbox-relay-kafka", outbox::relay::to_kafka),
    ("outbox-relay-nats", outbox::relay::to_nats),
    ("outbox-enqueue", outbox::enqueue::single),
    ("outbox-wake", outbox::wake::polling),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--answer-lines") => return sqlite::exec::answer_lines(),
        Some("--child") => return nats::child::play(arguments),
        Some("--kafka-child") => return kafka::child::play(arguments),
        Some("--pulsar-child") => return pulsar::child::play(arguments),
        _ => {}
    }
    let plan = Plan::from_arguments();
    let brokers = NATS.into_iter().chain(KAFKA).chain(PULSAR).chain(OUTBOX);
    let embedded = EVENTS.into_iter().chain(SQLITE);
    for (name, run) in embedded.chain(brokers) {
        if plan.wants(name) {
            run(&plan);
        }
    }
}
