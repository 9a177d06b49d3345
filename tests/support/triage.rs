//! Every command that changes or shows what triage keeps, for tests of what each may need.

use crate::harness::{Pf, Run};

/// Runs each command as `run` says, which gets the row of the table of permissions, the arguments and stdin. `letters` are ids
/// of dead letters, of which six are needed.
pub fn try_each(letters: &[String], run: &mut dyn FnMut(&'static str, &[&str], &str) -> Run) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let [one, two, three, four, ..] = letters else {
        panic!("too few dead letters: {letters:?}");
    };
    let _ = run("dlq check", &["dlq", "check", "--max-depth", "100"], "");
    let exported = run("dlq export", &["dlq", "export", one], "");
    let _ = run("dlq archive", &["dlq", "archive", one], "");
    let _ = run("dlq restore", &["dlq", "restore", one], "");
    let _ = run("dlq import", &["dlq", "import", "-"], exported.stdout());
    let _ = run("dlq import", &["dlq", "import", "-"], &elsewhere());
    let stats = run("dlq stats", &["dlq", "stats", "-o", "json"], "");
    let row = &stats.json()[0];
    let fingerprint = row["fingerprint"].as_str().unwrap();
    let _ = run(
        "dlq fixed",
        &["dlq", "fixed", fingerprint, "--in", "v2"],
        "",
    );
    let _ = run("dlq policy set", &["dlq", "policy", "set", "-"], "{}");
    let _ = run("dlq policy show", &["dlq", "policy", "show"], "");
    let _ = run("dlq edit", &["dlq", "edit", two], "");
    let edit = ["dlq", "replay", three, "--edit", ".event.data = 7", "--yes"];
    let _ = run("dlq replay --edit", &edit, "");
    let canary = [
        "dlq", "replay", four, "--canary", "1", "--yes", "--", "true",
    ];
    let _ = run("dlq replay", &canary, "");
    for (number, row) in ["dlq apply", "dlq jobs resume", "dlq jobs cancel"]
        .into_iter()
        .enumerate()
    {
        let plan = file(row);
        let written = ["dlq", "purge", &letters[4 + number], "--plan", &plan];
        let _ = run("dlq purge", &written, "");
        let listed = run("dlq jobs list", &["dlq", "jobs", "list", "-o", "json"], "");
        let job = listed.json()[0]["id"].as_str().unwrap().to_owned();
        let _ = run("dlq jobs show", &["dlq", "jobs", "show", &job], "");
        let _ = match row {
            "dlq apply" => run(row, &["dlq", "apply", &plan], ""),
            "dlq jobs resume" => run(row, &["dlq", "jobs", "resume", &job], ""),
            _ => run(row, &["dlq", "jobs", "cancel", &job], ""),
        };
    }
    let exported = file("purged");
    let purge = ["dlq", "purge", one, "--export", &exported, "--yes"];
    let _ = run("dlq purge", &purge, "");
    let log = run("dlq log", &["dlq", "log"], "");
    for action in ["archive", "restore", "import", "fixed", "edit", "cancel"] {
        assert!(log.stdout().contains(action), "{action}: {log}");
    }
}

/// An editor that changes an event.
pub const EDITOR: &str = "sed -i s/order.created/order.edited/";

/// Returns the exported dead letter of another store.
fn elsewhere() -> String {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "orders", "1"]).succeeded();
    let consume = ["consume", "orders", "--group", "mail", "--until-end"];
    let _ = pf.run(&[&consume[..], &["--", "sh", "-c", "exit 65"]].concat());
    let exported = pf.run(&["dlq", "export", "--all"]).succeeded();
    assert!(exported.stdout().contains("orders"), "{exported}");
    exported.stdout().to_owned()
}
