//! The shape of the code: who may name whom, how long a file may be, who may print.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod broken;
mod impls;
mod imports;
mod licences;
mod module;
mod rooms;
mod shape;
mod source;
mod tokens;
mod words;

use broken::assert_kept;
use source::{Source, sources};

/// The floors of the library, and those each of them may name.
const MAY_NAME: [(&str, &[&str]); 5] = [
    ("event", &[]),
    ("transport", &["event"]),
    ("backends", &["event", "transport"]),
    ("runtime", &["event", "transport"]),
    ("outbox", &["event", "transport"]),
];

/// Modules beside the floors: the front door, which may be handed a registry, and what tests need.
const BESIDE: [&str; 4] = ["failpoint", "lock", "mock", "service"];

/// The floors of the program, and those each of them must not name.
const MUST_NOT_NAME: [(&str, &[&str]); 3] = [
    (
        "src/bin/pf/output",
        &["commands", "context", "config", "signals"],
    ),
    ("src/bin/pf/config", &["commands", "context", "signals"]),
    (
        "src/bin/pf/error.rs",
        &["commands", "context", "config", "output"],
    ),
];

const LONGEST_FILE: usize = 400;

/// Counts how many `super` lead from a file to the crate.
fn depth(source: &Source) -> usize {
    let path = source.path.trim_start_matches("src/bin/pf/");
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').count()
}

/// Lists the modules behind `crate::`: of `crate::a::b` and `crate::{a::b, c}` alike, and of as many
/// `super::` as lead there.
fn named(source: &Source) -> Vec<String> {
    let code: String = source.lines().flat_map(|line| [line, " "]).collect();
    let code = code.replace(&"super::".repeat(depth(source)), "crate::");
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            modules.push(rest[..end.unwrap_or(rest.len())].to_owned());
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for letter in group.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    modules.push(std::mem::take(&mut item));
                    continue;
                }
                _ => {}
            }
            item.push(letter);
        }
        modules.push(item);
    }
    let first = |path: &String| path.trim().split("::").next().unwrap().to_owned();
    modules.iter().map(first).collect()
}

#[test]
fn floors_only_look_down() {
    for source in sources("src") {
        let floor = MAY_NAME
            .iter()
            .find(|(name, _)| source.is_in(&format!("src/{name}")));
        let Some((floor, below)) = floor else {
            continue;
        };
        for name in named(&source) {
            let is_floor = MAY_NAME.iter().any(|(other, _)| *other == name);
            let is_beside = name == "mock" || name == "service";
            let allowed = name == *floor || below.contains(&name.as_str());
            assert!(
                !is_beside && (!is_floor || allowed),
                "{} must not name `{name}`",
                source.path
            );
        }
    }
}

#[test]
fn the_program_has_floors_too() {
    for source in sources("src/bin/pf") {
        for (place, above) in MUST_NOT_NAME {
            let reaches = named(&source)
                .into_iter()
                .find(|name| above.contains(&name.as_str()));
            assert!(
                !source.is_in(place) || reaches.is_none(),
                "{} must not name `{}`",
                source.path,
                reaches.unwrap_or_default()
            );
        }
    }
}

#[test]
fn every_module_of_the_library_has_a_place() {
    let library = sources("src")
        .into_iter()
        .find(|source| source.path == "src/lib.rs")
        .unwrap();
    for line in library.lines() {
        let Some(name) = line.trim_start_matches("pub ").strip_prefix("mod ") else {
            continue;
        };
        let name = name.trim_end_matches(';');
        let is_placed = MAY_NAME.iter().any(|(floor, _)| *floor == name) || BESIDE.contains(&name);
        assert!(is_placed, "on which floor is `{name}`?");
    }
}

#[test]
fn files_stay_short() {
    let long = sources("src").into_iter().filter_map(|source| {
        let lines = source.code.lines().count();
        let advice = format!("{} has {lines} lines, at most {LONGEST_FILE}", source.path);
        (lines > LONGEST_FILE).then_some((source.path, advice))
    });
    assert_kept("files_stay_short", &long.collect());
}

#[test]
fn main_only_wires() {
    let sources = sources("src/bin/pf");
    let main = sources
        .iter()
        .find(|source| source.path.ends_with("main.rs"))
        .unwrap();
    let (_, body) = main.code.split_once("async fn main()").unwrap();
    assert!(body.lines().count() <= 20);
}

#[test]
fn every_file_says_what_lives_there() {
    for source in sources("src").iter().chain(&sources("tests")) {
        assert!(
            source.code.starts_with("//! "),
            "{} has no `//!`",
            source.path
        );
    }
}

#[test]
fn the_library_does_not_print() {
    for source in sources("src")
        .iter()
        .filter(|source| !source.is_in("src/bin"))
    {
        for word in [
            "println!",
            "eprintln!",
            "print!(",
            "io::stdout",
            "io::stderr",
            "dbg!",
        ] {
            let prints = source.lines().any(|line| line.contains(word));
            assert!(!prints, "{} has `{word}`", source.path);
        }
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        for word in ["todo!", "unimplemented!", "FIXME", "TODO", ".unwrap()"] {
            let found = source.shipped().lines().any(|line| line.contains(word));
            assert!(!found, "{} has `{word}`", source.path);
        }
    }
}

#[test]
fn lints_are_silenced_with_a_reason() {
    for source in sources("src") {
        let silenced = ["[allow(", "[expect("].map(|word| source.code.split(word).skip(1));
        for place in silenced.into_iter().flatten() {
            let end = place.find(")]").unwrap_or(place.len());
            assert!(place[..end].contains("reason ="), "{}", source.path);
        }
    }
}

#[test]
fn exit_codes_and_hints_live_in_one_file() {
    for source in sources("src/bin/pf")
        .iter()
        .filter(|source| !source.path.ends_with("error.rs"))
    {
        for word in ["ExitCode::from", "process::exit("] {
            assert!(!source.code.contains(word), "{} has `{word}`", source.path);
        }
    }
}
