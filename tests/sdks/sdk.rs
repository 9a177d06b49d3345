//! The handlers that `tests/sdks.sh` builds, and what they understand.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;

use test_support::harness::{Pf, Run};

/// The languages whose SDK is used.
const LANGUAGES: [&str; 3] = ["go", "python", "javascript"];

/// How `pf consume` uses a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    PerEvent,
    Worker,
}

/// A handler that uses an SDK.
#[derive(Debug)]
pub(crate) struct Sdk {
    language: &'static str,
    program: String,
    mode: Mode,
}

/// Events by their id, as an SDK understood them: `attributes`, and `data` as `json`, `text` or `base64`.
pub(crate) type Understood = BTreeMap<String, Value>;

/// Returns every handler in every mode.
///
/// # Panics
/// If one was not built.
pub(crate) fn each() -> Vec<Sdk> {
    let folder = std::env::var_os("PF_SDKS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/sdks")),
        PathBuf::from,
    );
    let sdks = LANGUAGES.into_iter().flat_map(|language| {
        let program = folder.join(language).join("handler");
        assert!(
            program.is_file(),
            "{} is missing: run tests/run, or . tests/sdks.sh && build_sdk_handlers",
            program.display()
        );
        let program = program.display().to_string();
        [Mode::PerEvent, Mode::Worker].map(|mode| Sdk {
            language,
            program: program.clone(),
            mode,
        })
    });
    sdks.collect()
}

impl Sdk {
    /// Returns a group of its own.
    pub(crate) fn group(&self) -> String {
        format!("{}-{:?}", self.language, self.mode).to_lowercase()
    }

    /// Consumes everything that is there; `script` runs the handler as `"$@"`, and may do more.
    fn consume(&self, pf: &Pf, topic: &str, flags: &[&str], script: &str) -> Run {
        let group = self.group();
        let mut args = vec!["consume", topic, "--group", &group, "--until-end"];
        args.extend(flags);
        let report = pf.path(&group).display().to_string();
        let command = ["--", "sh", "-c", script, "sh", &self.program];
        match self.mode {
            Mode::PerEvent => args.extend(command),
            Mode::Worker => {
                args.push("--worker");
                args.extend(command);
                args.extend(["--worker", &report]);
            }
        }
        pf.run(&args)
    }

    /// Returns what it understood of everything that is there.
    ///
    /// # Panics
    /// If it refused an event.
    pub(crate) fn understands(&self, pf: &Pf, topic: &str) -> Understood {
        self.reported(pf, &self.consume(pf, topic, &["-q"], r#"exec "$@""#))
    }

    /// Returns what it understood of everything that is there in a second attempt.
    ///
    /// # Panics
    /// If it refused an event.
    pub(crate) fn understands_a_retry(&self, pf: &Pf, topic: &str) -> Understood {
        let script = match self.mode {
            Mode::PerEvent => r#"[ "$PF_DELIVERY_ATTEMPT" = 2 ] || exit 1; exec "$@""#,
            Mode::Worker => r#"! mkdir "$3.failed" 2>/dev/null || exit 1; exec "$@""#,
        };
        self.reported(
            pf,
            &self.consume(pf, topic, &["-q", "--backoff", "1ms"], script),
        )
    }

    /// Returns what becomes of an event that it refuses.
    pub(crate) fn refuses(&self, pf: &Pf, topic: &str) -> Run {
        self.consume(pf, topic, &[], r#"exec "$@""#)
    }

    fn reported(&self, pf: &Pf, run: &Run) -> Understood {
        assert_eq!(run.code(), Some(0), "{}: {run}", self.group());
        let report = match self.mode {
            Mode::PerEvent => run.stdout().to_owned(),
            Mode::Worker => std::fs::read_to_string(pf.path(&self.group())).unwrap(),
        };
        let events = report.lines().map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            // It differs from group to group.
            let key = event["attributes"]
                .as_object_mut()
                .unwrap()
                .remove("pfdedupkey");
            assert_eq!(key.is_some(), self.mode == Mode::Worker, "{event}");
            let id = event["attributes"]["id"].as_str().unwrap().to_owned();
            (id, event)
        });
        events.collect()
    }
}
