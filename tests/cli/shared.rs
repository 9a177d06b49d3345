//! A store that several users share: what lies beside its file belongs to all of them.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    process::{Command, Stdio},
};

use crate::harness::{Pf, Run, program};

/// Users without a name, and the group that they share. Where the tests do not run as root, there is only one user.
const ALICE: u32 = 54_001;
const BOB: u32 = 54_002;
const TEAM: u32 = 54_100;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Prepares a store of alice, or of her and her group, with one event.
fn store_of_alice(mode: u32) -> Pf {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    for name in ["", "events.db", "events.db-wal", "events.db-shm"] {
        chown(pf.path(name), Some(ALICE), Some(TEAM)).unwrap();
    }
    for name in ["events.db", "events.db-wal", "events.db-shm"] {
        set_mode(&pf, name, mode);
    }
    set_mode(&pf, "", 0o770);
    pf
}

fn set_mode(pf: &Pf, name: &str, mode: u32) {
    fs::set_permissions(pf.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs `pf` as another user, who is in the group.
fn run_as(pf: &Pf, user: u32, args: &[&str]) -> Run {
    let prepared = pf.command(&[]);
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &user.to_string(), "--regid", &user.to_string()])
        .args(["--groups", &TEAM.to_string()])
        .arg(program())
        .args(args)
        .env_clear()
        .envs(
            prepared
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(pf.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    pf.finish(command.spawn().unwrap())
}

fn consume(group: &str) -> [&str; 7] {
    ["consume", "a", "-g", group, "--until-end", "--", "true"]
}

/// Returns owner, group and mode of everything beside the store, whatever it is called.
fn beside(pf: &Pf) -> Vec<(String, u32, u32, u32)> {
    let mut found: Vec<_> = fs::read_dir(pf.path(""))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let found = entry.metadata().unwrap();
            (name, found.uid(), found.gid(), found.mode() & 0o777)
        })
        .filter(|(name, ..)| name.starts_with("events.db-"))
        .collect();
    found.sort();
    found
}

#[test]
fn one_run_by_root_locks_nobody_out() {
    if !is_root() {
        return;
    }
    let pf = store_of_alice(0o600);
    for name in ["events.db-wal", "events.db-shm"] {
        fs::remove_file(pf.path(name)).unwrap();
    }
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let run = pf.run(&consume("g")).succeeded();
    assert!(run.stderr().contains("1 handled"), "{run}");
    let expected = [
        ("events.db-consumers", 0o700),
        ("events.db-shm", 0o600),
        ("events.db-wal", 0o600),
    ];
    let expected = expected.map(|(name, mode)| (name.to_owned(), ALICE, TEAM, mode));
    assert_eq!(beside(&pf), expected);
    let _ = run_as(&pf, ALICE, &["publish", "a", "2"]).succeeded();
    let run = run_as(&pf, ALICE, &consume("g")).succeeded();
    assert!(run.stderr().contains("1 handled"), "{run}");
}

#[test]
fn the_umask_of_the_first_consumer_does_not_matter() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    set_mode(&pf, "events.db", 0o664);
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 077; exec \"$0\" \"$@\""])
        .arg(program())
        .args(["consume", "a", "-g", "g", "--count", "1", "--"])
        .args(["sh", "-c", "ls -ld events.db-*/* events.db-* >&2"])
        .envs(
            pf.command(&[])
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(pf.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = pf.finish(command.spawn().unwrap()).succeeded();
    let modes: Vec<&str> = run.stderr().lines().skip(1).take(4).collect();
    for line in &modes {
        let mode = if line.ends_with("-consumers") {
            "drwxrwxr-x"
        } else {
            "-rw-rw-r--"
        };
        assert!(line.starts_with(mode), "{run}");
    }
    assert_eq!(beside(&pf).len(), 3);
}

#[test]
fn the_group_of_a_store_shares_what_lies_beside_it() {
    if !is_root() {
        return;
    }
    let pf = store_of_alice(0o660);
    for name in ["events.db-wal", "events.db-shm"] {
        fs::remove_file(pf.path(name)).unwrap();
    }
    for user in [BOB, ALICE, BOB] {
        let _ = run_as(&pf, user, &consume("g")).succeeded();
        let _ = run_as(&pf, user, &["publish", "a", "2"]).succeeded();
    }
    for (name, _, group, mode) in beside(&pf) {
        assert_eq!(group, TEAM, "{name}");
        assert_eq!(mode & 0o660, 0o660, "{name}");
    }
    let run = run_as(&pf, ALICE, &["doctor"]).succeeded();
    assert!(run.stdout().contains("ok       access"), "{run}");
}

#[test]
fn doctor_names_what_locks_out_the_owner_and_how_to_fix_it() {
    if !is_root() {
        return;
    }
    for wrong in ["events.db-consumers", "events.db-wal", "events.db-shm"] {
        let pf = store_of_alice(0o600);
        let _ = run_as(&pf, ALICE, &consume("g")).succeeded();
        chown(pf.path(wrong), Some(0), Some(0)).unwrap();
        let run = run_as(&pf, ALICE, &["doctor", "-o", "json"]);
        assert_eq!(run.code(), Some(1), "{run}");
        let found = run
            .json()
            .into_iter()
            .find(|found| found["name"] == "access");
        let found = found.unwrap();
        assert_eq!(found["level"], "problem");
        let text = found["text"].as_str().unwrap();
        assert!(
            text.contains(wrong) && text.contains("owner root"),
            "{text}"
        );
        let fix = found["mend"].as_str().unwrap().to_owned();
        let refused = if wrong == "events.db-consumers" {
            let _ = run_as(&pf, ALICE, &["publish", "a", "2"]).succeeded();
            run_as(&pf, ALICE, &consume("g"))
        } else {
            run_as(&pf, ALICE, &["publish", "a", "2"])
        };
        assert_eq!(refused.code(), Some(77), "{refused}");
        assert!(refused.stderr().contains(&fix), "{refused}\n{fix}");
        assert!(refused.stderr().contains(wrong), "{refused}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &fix.replace("sudo ", "")]);
        assert!(shell.status().unwrap().success(), "{fix}");
        let _ = run_as(&pf, ALICE, &["publish", "a", "3"]).succeeded();
        let _ = run_as(&pf, ALICE, &consume("g")).succeeded();
        let _ = run_as(&pf, ALICE, &["doctor"]).succeeded();
    }
}

#[test]
fn doctor_fixes_what_locks_out_the_owner_and_what_is_open_to_others() {
    if !is_root() {
        return;
    }
    let pf = store_of_alice(0o600);
    let _ = run_as(&pf, ALICE, &consume("g")).succeeded();
    chown(pf.path("events.db-consumers"), Some(0), Some(0)).unwrap();
    let run = pf.run(&["doctor", "--fix"]).succeeded();
    assert!(run.stderr().contains("fixed access"), "{run}");
    assert_eq!(
        beside(&pf)[0],
        ("events.db-consumers".to_owned(), ALICE, TEAM, 0o700)
    );
    set_mode(&pf, "events.db-consumers", 0o777);
    let run = run_as(&pf, ALICE, &["doctor"]).succeeded();
    assert!(run.stdout().contains("fix: pf doctor --fix"), "{run}");
    let run = run_as(&pf, ALICE, &["doctor", "--fix"]).succeeded();
    assert!(run.stderr().contains("fixed access"), "{run}");
    assert_eq!(beside(&pf)[0].3, 0o700);
}

#[test]
fn a_link_beside_the_store_is_not_followed() {
    if !is_root() {
        return;
    }
    let pf = store_of_alice(0o666);
    pf.write("secret", "of root");
    set_mode(&pf, "secret", 0o600);
    std::os::unix::fs::symlink("secret", pf.path("events.db-consumers")).unwrap();
    assert_ne!(pf.run(&consume("g")).code(), Some(0));
    let _ = pf.run(&["doctor", "--fix"]);
    let found = fs::metadata(pf.path("secret")).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o600));
}

#[test]
fn the_configuration_of_another_user_is_not_needed_and_stays_theirs() {
    if !is_root() {
        return;
    }
    let pf = store_of_alice(0o600);
    let home = pf.path("private").display().to_string();
    let pf = pf.env("HOME", &home);
    let _ = pf
        .run(&["context", "add", "a", "--url", "memory:"])
        .succeeded();
    chown(
        pf.path("private/.config/pf/config.toml"),
        Some(BOB),
        Some(BOB),
    )
    .unwrap();
    let _ = pf.run(&["context", "use", "a"]).succeeded();
    let found = fs::metadata(pf.path("private/.config/pf/config.toml")).unwrap();
    assert_eq!((found.uid(), found.gid()), (BOB, BOB), "root changed it");
    set_mode(&pf, "private", 0o700);
    let run = run_as(&pf, ALICE, &["tail", "--until-end", "-o", "data"]).succeeded();
    assert_eq!((run.stdout(), run.stderr()), ("1\n", ""));
    let pf = pf.env("PF_URL", "");
    let run = run_as(&pf, ALICE, &["tail", "--until-end"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("config.toml cannot be read"), "{run}");
}
