//! Speed and memory beside the raw side, in interleaved rounds of one run.
//!
//! `cargo bench -- [NAME…] [--events N] [--rounds N]` runs those whose name contains one of the words.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark: it prints, and what fails should end it"
)]

#[path = "../raw/mod.rs"]
mod raw;

mod consume;
mod delay;
mod exec;
mod letters;
mod memory;
mod one_shot;
mod publish;
mod rounds;
mod stage;
mod tail;

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

fn main() {
    if std::env::args().any(|argument| argument == "--answer-lines") {
        return exec::answer_lines();
    }
    let plan = Plan::from_arguments();
    let all: [(&str, Benchmark); 13] = [
        ("publish-ndjson", publish::ndjson),
        ("publish-lines", publish::lines),
        ("consume-message", consume::message),
        ("consume-event", consume::event),
        ("consume-mixed", consume::mixed),
        ("tail-json", tail::json),
        ("exec-each", exec::each),
        ("exec-worker", exec::worker),
        ("one-shot", one_shot::publish),
        ("delay", delay::lateness),
        ("wake", delay::wake),
        ("dlq-stats", letters::stats),
        ("memory", memory::flat),
    ];
    for (name, run) in all {
        if plan.wants(name) {
            run(&plan);
        }
    }
}
