//! Commands of triage beside raw readers and raw copy loops.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use jaq_core::{
    Compiler, Ctx, Vars,
    data::JustLut,
    load::{Arena, File, Loader},
};
use jaq_json::{Rc, Val};
use serde_json::Value;

use crate::rounds::{Target, compare, report};

/// The edit of the benchmarks, as `pf` gets it.
pub const EDIT: &str = ".event.data.total = 1";
/// Dead letters per second where a rate is asked for.
pub const RATE: u32 = 500;
/// As many as ten seconds take.
pub const RATED: usize = 5000;

/// The commands that read dead letters.
pub const LIST: [&str; 4] = ["dlq", "list", "-o", "json"];
pub const STATS: [&str; 4] = ["dlq", "stats", "-o", "json"];
pub const CHECK: [&str; 6] = ["dlq", "check", "--max-age", "1d", "-o", "json"];

/// Compares a command with a raw reader of what it reads.
pub fn beside_a_reader(name: &str, rounds: usize, command: impl Fn() -> Command, read: impl Fn()) {
    let raw = |_| {
        let start = Instant::now();
        read();
        start.elapsed()
    };
    compare(
        name,
        Target::Speed(0.4),
        rounds,
        Box::new(|_| run_quietly(command())),
        Box::new(raw),
    );
}

/// Runs a command to its end, without its output, and returns how long that took.
pub fn run(mut pf: Command) -> Duration {
    let start = Instant::now();
    assert!(pf.stdout(Stdio::null()).status().unwrap().success());
    start.elapsed()
}

/// Runs a command that warns, as a replay to a topic does.
pub fn run_quietly(mut pf: Command) -> Duration {
    pf.stderr(Stdio::null());
    run(pf)
}

/// Returns the job of the last replay of a store.
pub fn last_job(mut log: Command) -> String {
    let output = log.output().unwrap();
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let entries = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut job = entries.filter_map(|entry| entry["job"].as_str().map(str::to_owned));
    job.next_back().unwrap()
}

thread_local! {
    /// What `EDIT` does, on the event alone.
    static PROGRAM: jaq_core::Filter<JustLut<Val>> = compile(".data.total = 1");
}

fn compile(code: &str) -> jaq_core::Filter<JustLut<Val>> {
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let functions = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let arena = Arena::default();
    let file = File { code, path: () };
    let modules = Loader::new(definitions).load(&arena, file).unwrap();
    let compiler = Compiler::default().with_funs(functions);
    compiler.compile(modules).unwrap()
}

/// Does to an event what `EDIT` does, by the same jq, and gives it an id and its history.
///
/// The raw loop edits on its one way through the dead letters and notes only which originals it leaves. `pf` stores the
/// edited dead letters first, so that an operator can list, verify and replay them as any others.
pub fn edited(payload: &[u8]) -> Vec<u8> {
    let input = jaq_json::read::parse_single(payload).unwrap();
    let output = PROGRAM.with(|program| {
        let context = Ctx::<JustLut<Val>>::new(&program.lut, Vars::new([]));
        program.id.run((context, input)).next().unwrap().ok()
    });
    let Some(Val::Obj(mut event)) = output else {
        panic!("no object");
    };
    let text = |text: &str| Val::utf8_str(text.to_owned());
    let members = Rc::make_mut(&mut event);
    let original = members[&text("id")].clone();
    let id = format!("edit-{}", original.to_string().trim_matches('"'));
    members.insert(text("id"), text(&id));
    members.insert(text("causationid"), original.clone());
    members.insert(text("editof"), original);
    Val::Obj(event).to_string().into_bytes()
}

/// Reports the rate at which replays were stored, by the time of the first and of the last of them.
pub fn judge_rate(name: &str, first: Duration, last: Duration) {
    let span = last.saturating_sub(first).as_secs_f64();
    let wanted = f64::from(RATE);
    // What falls due in the first tenth of a second is stored at once.
    let count = u32::try_from(RATED).unwrap() - RATE / 10;
    let rate = f64::from(count) / span;
    let off = (rate / wanted - 1.0).abs() * 100.0;
    report(
        name,
        &format!("{RATED} in {span:.2} s, {rate:.1}/s, {off:.2} % off"),
        "<= 2 %",
        off <= 2.0,
    );
}
