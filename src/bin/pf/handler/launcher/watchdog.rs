//! The watchdog: a process that waits for the exit of `pf`, its owner, and kills the commands that it left running.
//!
//! It reads from a pipe (the lifeline) whose write end only its owner holds. The kernel closes that end when the owner
//! dies, however it died, `kill -9` included. Its stdout is the table of commands. It has a name and a process group of its
//! own and ignores the usual signals: Ctrl-C in the terminal, `pkill pf` and a service manager that stops all processes of
//! a service must not end it before its owner.

use std::{
    fs::{self, File},
    io::{self, PipeReader, PipeWriter, Read as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    thread::{Builder, sleep},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    children::OwnChild,
    table::{Entry, Record, Table, records},
};

/// Its first argument. The second is the process id of its owner, for people who look at the process list.
const FLAG: &str = "--end-handlers-of";
/// Its name in the process list.
const NAME: &str = "handler-watch";
/// This program, even if its file was replaced by an update.
const PROGRAM: &str = "/proc/self/exe";
/// Least time between two starts.
const PAUSE: Duration = Duration::from_secs(1);
/// Signals that a service manager may send to every process of a service.
const SIGNALS: [SignalKind; 7] = [
    SignalKind::hangup(),
    SignalKind::interrupt(),
    SignalKind::quit(),
    SignalKind::terminate(),
    SignalKind::alarm(),
    SignalKind::user_defined1(),
    SignalKind::user_defined2(),
];

/// A watchdog, on the side of its owner.
#[derive(Debug)]
pub struct Watchdog {
    table: Arc<Table>,
    _lifeline: PipeWriter,
}

impl Watchdog {
    /// Starts a watchdog, and another one whenever it is killed.
    pub fn start() -> io::Result<Self> {
        let table = Arc::new(Table::new()?);
        let (end, lifeline) = io::pipe()?;
        let keeper = Keeper {
            table: Arc::clone(&table),
            end,
        };
        let first = keeper.start()?;
        let thread = Builder::new().name("watchdog".to_owned());
        thread.spawn(move || keeper.keep(first))?;
        Ok(Self {
            table,
            _lifeline: lifeline,
        })
    }

    /// Adds an entry for a command that is about to be started with this pipe as its stdin.
    pub fn expect(&self, stdin: &PipeReader) -> io::Result<Entry> {
        self.table.expect(stdin)
    }
}

/// Keeps a watchdog running.
struct Keeper {
    table: Arc<Table>,
    end: PipeReader,
}

impl Keeper {
    fn start(&self) -> io::Result<(Child, OwnChild)> {
        let mut command = Command::new(PROGRAM);
        command
            .arg0(NAME)
            .args([FLAG, &std::process::id().to_string()])
            .current_dir("/")
            .process_group(0)
            .stdin(self.end.try_clone()?)
            .stdout(self.table.memory().try_clone()?)
            .stderr(Stdio::null());
        OwnChild::spawn(&mut command)
    }

    /// Restarts it until it exits by itself, which it does only after its owner. Blocks.
    fn keep(self, mut running: (Child, OwnChild)) {
        let mut started = Instant::now();
        loop {
            let (mut child, own) = running;
            if own.wait(&mut child).is_ok_and(|status| status.success()) {
                return;
            }
            sleep(PAUSE.saturating_sub(started.elapsed()));
            running = loop {
                match self.start() {
                    Ok(next) => break next,
                    Err(_) => sleep(PAUSE),
                }
            };
            started = Instant::now();
        }
    }
}

/// Reports whether this process is a watchdog.
pub fn is_watchdog() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == FLAG)
}

/// Waits for the exit of its owner and kills the commands that it left running. Blocks.
pub fn watch() -> ExitCode {
    let _ignored = SIGNALS.map(signal);
    // The name is only for people.
    let _ = fs::write("/proc/self/comm", NAME);
    match wait_for_end().and_then(|()| kill_all(&io::stdout().as_fd().try_clone_to_owned()?.into()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn wait_for_end() -> io::Result<()> {
    let mut pipe = io::stdin().lock();
    loop {
        match pipe.read(&mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn kill_all(table: &File) -> io::Result<()> {
    for record in records(table)? {
        match record {
            Record::Running(pid) => kill(pid),
            Record::Expected(pipe) => holders(pipe)?.into_iter().for_each(kill),
        }
    }
    Ok(())
}

/// Kills a process and the group that it leads: it may have left its group, or its group may have outlived it.
fn kill(pid: Pid) {
    let _ = kill_process_group(pid, Signal::KILL);
    let _ = kill_process(pid, Signal::KILL);
}

/// Returns the processes whose stdin is this pipe: those that the owner started, but was killed before it could note their
/// process ids. None is missed: between `fork` and `exec` a child still holds the lifeline, so the watchdog waits for it.
fn holders(pipe: u64) -> io::Result<Vec<Pid>> {
    let wanted = PathBuf::from(format!("pipe:[{pipe}]"));
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stdin = fs::read_link(entry.path().join("fd/0")).ok()?;
        (stdin == wanted).then(|| Pid::from_raw(pid)).flatten()
    });
    Ok(processes.collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_command_is_killed_whose_owner_died_while_starting_it() {
        let table = Arc::new(Table::new().unwrap());
        let start = |confirmed| {
            let (stdin, writer) = io::pipe().unwrap();
            let entry = table.expect(&stdin).unwrap();
            let mut command = Command::new("sleep");
            let child = command.arg("1000").stdin(stdin).process_group(0).spawn();
            let child = child.unwrap();
            if confirmed {
                entry.confirm(&child).unwrap();
            }
            (child, entry, writer)
        };
        let mut ours = [start(true), start(false), start(true), start(false)];
        kill_all(table.memory()).unwrap();
        for (child, ..) in &mut ours {
            assert_eq!(child.wait().unwrap().signal(), Some(9));
        }
    }
}
