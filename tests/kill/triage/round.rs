//! One round: dead letters are moved by a command that is killed, and again when it is resumed.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    ops::AddAssign,
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use test_support::dice::Dice;

use super::{
    fixture::{EDITOR, Seen, event, import, json, letter, output},
    verified,
};
use crate::{
    points::{EDITED, EDITS},
    store::{Store, kill_after},
};

/// What moves the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Replay,
    Apply,
    ApplyEdit,
    EditAll,
    EditOne,
}

const WAYS: [Way; 5] = [
    Way::Replay,
    Way::Apply,
    Way::ApplyEdit,
    Way::EditAll,
    Way::EditOne,
];

const REPLAY: [&str; 6] = ["dlq", "replay", "--all", "--yes", "-o", "json"];
const EDIT: [&str; 2] = ["--edit", ".event.data.edited = true"];

/// A command may be killed this often, and then has to end.
const KILLS: u32 = 2;
/// How often a command is run until everything is moved.
const RUNS: u32 = 8;

/// A job that has not ended.
struct Listed {
    id: String,
    started: bool,
}

/// What the kills of rounds hit, so that rounds which hit nothing are noticed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Hits {
    pub rounds: u32,
    /// Commands that were killed.
    pub kills: u32,
    /// Those of which some dead letters were moved, and others not.
    pub midway: u32,
    /// Jobs that were resumed by their id.
    pub resumed: u32,
}

impl AddAssign for Hits {
    fn add_assign(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.kills += other.kills;
        self.midway += other.midway;
        self.resumed += other.resumed;
    }
}

/// Runs rounds until a kill hits one: those that came too late for a command are no rounds.
pub fn killed(seed: u64, round: impl Fn(u64) -> Hits) -> Hits {
    let mut all = Hits::default();
    for again in 0..9 {
        all += round(seed + again * 1_000_000);
        if all.kills > 0 {
            break;
        }
    }
    Hits { rounds: 1, ..all }
}

/// A round at work.
pub struct Round<'a> {
    store: Store,
    dice: Dice,
    way: Way,
    points: &'a [String],
    what: String,
    letters: usize,
    /// Where the dead letters go.
    topic: &'static str,
    /// How long a command takes on this machine at the moment.
    usual: Duration,
    /// After which time the server no longer recognises what is sent again, if it is not told apart otherwise.
    forgets: Option<Duration>,
    /// Those of which a command said that it cannot know.
    named: BTreeSet<String>,
    jobs: BTreeSet<String>,
    hits: Hits,
}

impl<'a> Round<'a> {
    /// Stores dead letters and decides what becomes of them.
    pub fn new(seed: u64, store: Store, points: &'a [String]) -> Self {
        let mut dice = Dice::new(seed);
        // The first rolls of neighbouring seeds are alike.
        for _ in 0..8 {
            dice.roll(2);
        }
        let way = *dice.pick(&WAYS);
        let topic = *dice.pick(&["order.created", "order.again"]);
        let letters = 6 + dice.index(30);
        let group = store.judge.group();
        let url = store.judge.url();
        let transport = url.split(':').next().unwrap();
        let begun = Instant::now();
        let all: Vec<_> = (0..letters).map(|number| letter(number, &group)).collect();
        import(&store, &all);
        Self {
            usual: begun.elapsed(),
            what: format!("seed {seed} on {transport}, {way:?} of {letters} to {topic}"),
            store,
            dice,
            way,
            points,
            letters,
            topic,
            forgets: None,
            named: BTreeSet::new(),
            jobs: BTreeSet::new(),
            hits: Hits {
                rounds: 1,
                ..Hits::default()
            },
        }
    }

    /// Lets the server forget what it stored, before anything is resumed.
    pub fn forgetting(mut self, after: Duration) -> Self {
        self.forgets = Some(after);
        if matches!(self.way, Way::EditAll | Way::EditOne | Way::ApplyEdit) {
            self.way = Way::Replay;
        }
        self.what += ", forgetting";
        self
    }

    /// Moves everything, and judges.
    pub fn run(mut self) -> Hits {
        let plan = self.store.path("plan.json");
        let mut command: Vec<&str> = match self.way {
            Way::Apply | Way::ApplyEdit => {
                vec!["dlq", "apply", plan.to_str().unwrap(), "-o", "json"]
            }
            _ => REPLAY.to_vec(),
        };
        match self.way {
            Way::Apply | Way::ApplyEdit => self.plan(plan.to_str().unwrap()),
            Way::EditAll => command.extend(EDIT),
            Way::EditOne => self.edit_one(),
            Way::Replay => {}
        }
        let rate = (20 + self.dice.roll(200)).to_string();
        if self.dice.roll(4) > 0 {
            command.extend(["--rate", &rate]);
        }
        if !command.contains(&"apply") && self.topic != "order.created" {
            command.extend(["--to", self.topic]);
        }
        self.move_all(&command);
        self.judge();
        println!("{}: {:?}", self.what, self.hits);
        self.hits
    }

    fn plan(&mut self, file: &str) {
        let to = ["--to", self.topic];
        let mut plan = vec!["dlq", "replay", "--all", "--plan", file];
        plan.extend(to.iter().filter(|_| self.topic != "order.created"));
        plan.extend(EDIT.iter().filter(|_| self.way == Way::ApplyEdit));
        // Without its file a plan cannot be applied: it is written until there is one.
        for run in 0.. {
            let killed = run < KILLS && self.dice.roll(3) == 0 && self.kill(&plan);
            if !killed && (self.store.path("plan.json").exists() || self.end(&plan)) {
                return;
            }
        }
    }

    /// Edits one of them by hand.
    fn edit_one(&mut self) {
        let victim = letter(self.dice.index(self.letters), &self.store.judge.group());
        let edit = ["dlq", "edit", victim.id.as_str()];
        for run in 0.. {
            if self.store.judge.letters().len() > self.letters {
                return;
            }
            if run >= KILLS {
                assert!(self.end(&edit), "{}", self.failure());
            } else {
                self.kill(&edit);
            }
        }
    }

    fn move_all(&mut self, command: &[&str]) {
        for run in 0..RUNS {
            let jobs = self.list_jobs();
            if run > 0 && !jobs.iter().any(|job| job.started) && self.is_complete() {
                return;
            }
            // A plan that was interrupted is of no use: the command makes another. A plan without its file is only found by its id.
            let file = self.store.path("plan.json");
            let file = fs::read(file).unwrap_or_default();
            let is_own = |job: &&Listed| String::from_utf8_lossy(&file).contains(&job.id);
            let orphan = jobs
                .iter()
                .find(|job| job.started && self.way == Way::Apply && !is_own(job));
            let known = jobs
                .iter()
                .find(|job| job.started || self.way == Way::Apply && is_own(job));
            let resume = orphan.or_else(|| known.filter(|_| self.dice.roll(2) == 0));
            let resume = resume.map(|job| ["dlq", "jobs", "resume", &job.id, "-o", "json"]);
            self.hits.resumed += u32::from(resume.is_some());
            let arguments: &[&str] = resume.as_ref().map_or(command, |resume| resume);
            if run < KILLS && (run == 0 || self.dice.roll(2) == 0) {
                self.kill(arguments);
            } else {
                let ended = self.end(arguments);
                assert!(ended || resume.is_some(), "{}", self.failure());
            }
        }
        panic!(
            "{}: not everything is moved after {RUNS} runs: {}",
            self.what,
            self.failure()
        );
    }

    /// Returns the jobs that have not ended.
    fn list_jobs(&mut self) -> Vec<Listed> {
        let listed = output(&self.store, &["dlq", "jobs", "list", "-o", "json"]);
        assert!(listed.status.success(), "{}", self.failure());
        let job = |job: &Value| Listed {
            id: job["id"].as_str().unwrap().to_owned(),
            started: job["started"] == true,
        };
        let jobs: Vec<_> = json(&listed.stdout).iter().map(job).collect();
        self.jobs.extend(jobs.iter().map(|job| job.id.clone()));
        jobs
    }

    /// Runs a command to its end; tells whether it succeeded.
    fn end(&mut self, arguments: &[&str]) -> bool {
        let ended = output(&self.store, arguments);
        self.note_jobs(&ended.stdout);
        ended.status.success() || !self.named.is_empty()
    }

    /// Runs a command and kills it: at a point of its work, some time after its start, or behind some outcomes. Tells whether
    /// it was killed.
    fn kill(&mut self, arguments: &[&str]) -> bool {
        let mut command = self.store.pf(arguments);
        command.env("EDITOR", EDITOR).stdout(Stdio::piped());
        let way = self.dice.roll(3);
        if way == 0 {
            let is_edit = arguments.contains(&"--edit") || self.way == Way::ApplyEdit;
            let mut points: Vec<_> = self.points.iter().map(String::as_str).collect();
            points.retain(|point| is_edit || !EDITED.contains(point));
            let points = if arguments[1] == "edit" {
                &EDITS[..]
            } else {
                &points
            };
            let point = self.dice.pick(points);
            command.env("PF_FAILPOINT", format!("{point}:{}", 1 + self.dice.roll(2)));
        }
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = Vec::new();
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap();
        match way {
            0 => {}
            1 => {
                let after = self.dice.roll(micros(self.usual));
                kill_after(&mut child, Duration::from_micros(after));
            }
            _ => {
                for _ in 0..=self.dice.roll(self.letters as u64) {
                    stdout.read_until(b'\n', &mut printed).unwrap();
                }
                kill_after(&mut child, Duration::from_micros(self.dice.roll(3_000)));
            }
        }
        stdout.read_to_end(&mut printed).unwrap();
        let killed = child.wait().unwrap().signal() == Some(9);
        self.note_jobs(&printed);
        if killed {
            self.hits.kills += 1;
            let moved = Seen::read(&self.store, self.topic).events.len();
            self.hits.midway += u32::from(moved > 0 && moved < self.letters);
            self.store.judge.after_a_kill();
            if let Some(after) = self.forgets {
                let end = Instant::now() + after;
                while let Some(rest) = end.checked_duration_since(Instant::now()) {
                    thread::park_timeout(rest);
                }
            }
        }
        killed
    }

    fn note_jobs(&mut self, stdout: &[u8]) {
        let lines = json(stdout);
        let unknown = lines.iter().filter(|line| line["outcome"] == "ambiguous");
        self.named
            .extend(unknown.map(|line| line["id"].as_str().unwrap().to_owned()));
        let jobs = lines.iter().filter_map(|line| line["job"].as_str());
        self.jobs.extend(jobs.map(str::to_owned));
    }

    fn is_complete(&self) -> bool {
        let seen = Seen::read(&self.store, self.topic);
        (0..self.letters)
            .all(|number| seen.events.contains_key(&event(number)) || self.is_named(number))
    }

    fn is_named(&self, number: usize) -> bool {
        let id = letter(number, &self.store.judge.group()).id;
        self.named.contains(id.as_str())
    }

    fn judge(&mut self) {
        // Those that were killed behind their end are in the log.
        let all = output(&self.store, &["dlq", "jobs", "list", "--all", "-o", "json"]);
        self.note_jobs(&all.stdout);
        let seen = Seen::read(&self.store, self.topic);
        if self.forgets.is_some() {
            return self.judge_named(&seen);
        }
        assert!(self.named.is_empty(), "{}: {:?}", self.what, self.named);
        let (mut edited, mut plain) = (0, 0);
        for number in 0..self.letters {
            let times = seen.events.get(&event(number));
            let times = times.unwrap_or_else(|| panic!("{}: {number} is lost", self.what));
            assert_eq!(times.len(), 1, "{}: {number} was moved twice", self.what);
            *(if times[0] { &mut edited } else { &mut plain }) += 1;
        }
        assert_eq!(seen.events.len(), self.letters, "{}: others too", self.what);
        let expected = match self.way {
            Way::EditAll | Way::ApplyEdit => (self.letters, 0),
            Way::EditOne => (1, self.letters - 1),
            _ => (0, self.letters),
        };
        assert_eq!((edited, plain), expected, "{}: edited, plain", self.what);
        assert_eq!(
            seen.left.len(),
            edited,
            "{}: the originals are left",
            self.what
        );
        verified::agrees(&self.store, &self.jobs, &seen, &self.what);
    }

    /// Where the server has forgotten, each is moved once, or named: it is still a dead letter, and was moved once or not.
    fn judge_named(&mut self, seen: &Seen) {
        for number in 0..self.letters {
            let times = seen.events.get(&event(number)).map_or(0, Vec::len);
            let is_known = times == 1 || self.is_named(number);
            assert!(
                times < 2 && is_known,
                "{}: {number} is there {times} times",
                self.what
            );
        }
        assert_eq!(
            seen.left, self.named,
            "{}: those that are named stay",
            self.what
        );
        verified::agrees(&self.store, &self.jobs, seen, &self.what);
    }

    fn failure(&self) -> String {
        format!("{}\n{}", self.what, self.store.errors_so_far())
    }
}
