//! The rooms that every backend has, and which of them may look at which.

use super::{
    broken::{Broken, assert_kept},
    imports::Graph,
    source::{Source, sources},
};

/// The rooms in their order: each may import those of a lower number.
const ROOMS: [(&str, u8); 15] = [
    ("error", 1),
    ("codec", 2),
    ("connection", 3),
    ("read", 4),
    ("delay", 5),
    ("dead_letter", 5),
    ("tail", 6),
    ("publish", 6),
    ("consume", 7),
    ("doctor", 8),
    ("job", 8),
    ("capabilities", 9),
    ("transport", 10),
    ("factory", 11),
    ("mod", 12),
];

/// The store within one process has its data where others have a connection to a server.
const ROOM_OF_MEMORY: (&str, u8) = ("store", 3);

const EVERY_BACKEND_HAS: [&str; 10] = [
    "error",
    "factory",
    "transport",
    "capabilities",
    "publish",
    "consume",
    "tail",
    "delay",
    "dead_letter",
    "job",
];

/// The traits of the seam, and the room that implements each.
const SEAM: [(&str, &str); 4] = [
    ("Transport", "transport"),
    ("DeadLetters", "transport"),
    ("Schedules", "transport"),
    ("Factory", "factory"),
];

const LONGEST_TRANSPORT: usize = 220;

/// Folders that are no backends: what several of them use, and options that build the URLs of all.
const SHARED: [&str; 2] = ["delivery_buffer", "store_options"];

/// Returns the backend of a file and its room.
fn room(path: &str) -> Option<(&str, &str)> {
    let (backend, rest) = path.strip_prefix("src/backends/")?.split_once('/')?;
    if SHARED.contains(&backend) {
        return None;
    }
    let room = rest.split('/').next()?.trim_end_matches(".rs");
    Some((backend, room))
}

fn number(backend: &str, room: &str) -> Option<u8> {
    if backend == "memory" && room == ROOM_OF_MEMORY.0 {
        return Some(ROOM_OF_MEMORY.1);
    }
    let found = ROOMS.iter().find(|(name, _)| *name == room);
    found.map(|(_, number)| *number)
}

fn backends(sources: &[Source]) -> Vec<(&str, &str)> {
    sources
        .iter()
        .filter_map(|source| room(&source.path))
        .collect()
}

#[test]
fn every_backend_has_the_same_rooms() {
    let sources = sources("src/backends");
    let rooms = backends(&sources);
    let mut broken = Broken::new();
    for (backend, room) in &rooms {
        if number(backend, room).is_none() {
            let key = format!("src/backends/{backend}: `{room}`");
            let advice = format!(
                "{key} is not a room: see the table in src/backends/mod.rs for where its contents belong"
            );
            broken.insert(key, advice);
        }
        for wanted in EVERY_BACKEND_HAS {
            if !rooms.contains(&(backend, wanted)) {
                let key = format!("src/backends/{backend}: no `{wanted}`");
                let advice = format!("{key}, neither as a file nor as a folder");
                broken.insert(key, advice);
            }
        }
    }
    assert_kept("every_backend_has_the_same_rooms", &broken);
}

#[test]
fn rooms_only_look_up_the_table() {
    let graph = Graph::read();
    let mut broken = Broken::new();
    for (from, to) in graph.imports.keys() {
        let (Some((backend, room)), Some((other, target))) =
            (room(&graph.files[*from]), room(&graph.files[*to]))
        else {
            continue;
        };
        if backend != other || room == target {
            continue;
        }
        let (Some(here), Some(there)) = (number(backend, room), number(backend, target)) else {
            continue;
        };
        if there >= here && room != "mod" {
            let key = format!("{} -> {}", graph.files[*from], graph.files[*to]);
            let advice = format!(
                "{}: `{room}` ({here}) may import rooms of a lower number only, and `{target}` has {there}",
                graph.describe(*from, *to)
            );
            broken.insert(key, advice);
        }
    }
    assert_kept("rooms_only_look_up_the_table", &broken);
}

#[test]
fn the_seam_is_implemented_in_one_room() {
    let mut broken = Broken::new();
    for source in sources("src/backends") {
        let Some((_, room)) = room(&source.path) else {
            continue;
        };
        for (name, wanted) in SEAM {
            let implements = source
                .lines()
                .any(|line| line.starts_with(&format!("impl {name} for ")));
            if implements && room != wanted {
                let key = format!("{}: {name}", source.path);
                broken.insert(
                    key,
                    format!(
                        "{}: `impl {name}` belongs in `{wanted}.rs`, which only delegates",
                        source.path
                    ),
                );
            }
        }
        let lines = source.shipped().lines().count();
        if room == "transport" && lines > LONGEST_TRANSPORT {
            let key = format!("{}: long", source.path);
            let advice = format!(
                "{} has {lines} lines: it should delegate, in at most {LONGEST_TRANSPORT}",
                source.path
            );
            broken.insert(key, advice);
        }
    }
    assert_kept("the_seam_is_implemented_in_one_room", &broken);
}
