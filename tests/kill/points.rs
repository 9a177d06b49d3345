//! Every fail point in the source is reached and survived.

use std::{collections::HashSet, fs, path::Path};

use crate::{checker, store::Store};

/// Returns the names of all fail points that this build of `pf` can reach.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    collect(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut names,
    );
    names.sort();
    names.dedup();
    assert!(names.len() >= 19, "only {names:?}");
    names
}

fn collect(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("failpoint::reach(\"").skip(1) {
                names.push(rest.split('"').next().unwrap().to_owned());
            }
            let lists = text.split("const FAIL_POINTS").skip(1);
            for list in lists.filter_map(|rest| rest.split_once("= [")?.1.split("];").next()) {
                names.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_fail_point_is_reached_and_survived() {
    for name in names() {
        for nth in [1, 3] {
            survive(&name, nth);
        }
    }
}

/// Dies at the point in whichever program reaches it first, then lets everything finish.
fn survive(name: &str, nth: u32) {
    let armed = format!("{name}:{nth}");
    let start = std::time::Instant::now();
    let mut store = Store::new();
    let mut died = false;
    let status = store.publish(40, None, |command| {
        command.env("PF_FAILPOINT", &armed);
    });
    died |= !status.success();
    while checker::not_due(&store.path()) > 0 {
        std::thread::yield_now();
    }
    for worker in [false, true] {
        let mut consumer = store.consumer(worker);
        consumer.env("PF_FAILPOINT", &armed);
        died |= store.run(consumer);
        store.publish(10, None, |_| {});
    }
    store.mend();
    let purged = purge(&mut store, &armed, &mut died);
    let mut replay = store.pf(&["dlq", "replay", "--all", "--yes"]);
    replay.env("PF_FAILPOINT", &armed);
    died |= store.run(replay);
    finish(&mut store);
    assert!(died || nth > 1, "nothing reached the fail point {name}");
    println!("{armed}: {:?}", start.elapsed());
    checker::judge(&store, &purged, &armed);
}

fn purge(store: &mut Store, armed: &str, died: &mut bool) -> HashSet<String> {
    let Some(victim) = checker::dead(&store.path()).into_iter().min() else {
        return HashSet::new();
    };
    let filter = format!(".event.id == \"{victim}\"");
    let mut purge = store.pf(&["dlq", "purge", "--where", &filter, "--yes"]);
    purge.env("PF_FAILPOINT", armed);
    *died |= store.run(purge);
    HashSet::from([victim])
}

/// Takes the tests' events to their end without any fail point.
pub fn finish(store: &mut Store) {
    store.mend();
    while checker::pending(&store.path()) > 0 {
        let consumer = store.consumer(false);
        store.run(consumer);
    }
    for _ in 0..3 {
        let consumer = store.consumer(false);
        store.run(consumer);
        let replay = store.pf(&["dlq", "replay", "--all", "--yes"]);
        store.run(replay);
    }
    let consumer = store.consumer(false);
    store.run(consumer);
}
