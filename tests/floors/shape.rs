//! The shape of the tree: no circles, no crowded folders, no type in two files.

use std::collections::BTreeMap;

use super::{
    broken::{Broken, assert_kept},
    impls::inherent_impls,
    imports::Graph,
    source::sources,
};

/// How many files a folder may hold besides its `mod.rs`.
const MOST_FILES: usize = 12;

/// Metaphors that nobody looks for: the field has a word for what each of them meant.
const PRIVATE_NAMES: [&str; 26] = [
    "ahead",
    "anew",
    "awaken",
    "bench",
    "calendar",
    "desk",
    "doubt",
    "ears",
    "firer",
    "gather",
    "intake",
    "lanes",
    "leash",
    "leaving",
    "ledger",
    "outlook",
    "packed",
    "parting",
    "presence",
    "proof",
    "pump",
    "returning",
    "shelf",
    "stagger",
    "standing",
    "told",
];

#[test]
fn no_files_import_each_other_in_a_circle() {
    let graph = Graph::read();
    let mut broken = Broken::new();
    for cycle in graph.cycles() {
        let advice = graph.explain(&cycle);
        broken.extend(
            cycle
                .into_iter()
                .map(|file| (graph.files[file].clone(), advice.clone())),
        );
    }
    assert_kept("no_files_import_each_other_in_a_circle", &broken);
}

#[test]
fn no_folder_holds_more_than_twelve_files() {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources("src") {
        let (folder, file) = source.path.rsplit_once('/').unwrap();
        if file != "mod.rs" {
            *folders.entry(folder.to_owned()).or_default() += 1;
        }
    }
    let crowded = folders.into_iter().filter(|(_, files)| *files > MOST_FILES);
    let broken = crowded.map(|(folder, files)| {
        let advice = format!("{folder} holds {files} files besides `mod.rs`, at most {MOST_FILES} are easy to find one's way in");
        (folder, advice)
    });
    assert_kept("no_folder_holds_more_than_twelve_files", &broken.collect());
}

#[test]
fn a_type_is_implemented_where_it_stands() {
    let mut broken = Broken::new();
    for source in sources("src") {
        for (line, name) in inherent_impls(&source) {
            let advice = format!(
                "{}:{line} has methods of `{name}`, which another file defines: move them there, or give what they work on a type of its own",
                source.path
            );
            broken.insert(format!("{}: {name}", source.path), advice);
        }
    }
    assert_kept("a_type_is_implemented_where_it_stands", &broken);
}

#[test]
fn files_have_names_of_the_field() {
    let mut broken = Broken::new();
    for source in sources("src") {
        let file = source.path.rsplit('/').next().unwrap();
        let name = file.trim_end_matches(".rs");
        if PRIVATE_NAMES.contains(&name) {
            let advice = format!(
                "{}: `{name}` is a metaphor, use the field's word for it",
                source.path
            );
            broken.insert(source.path, advice);
        }
    }
    assert_kept("files_have_names_of_the_field", &broken);
}
