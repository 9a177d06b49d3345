//! Messages as hexa-event writes them, and what users see of them, the same on every transport.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::harness::{Pf, Run};

/// A user as hexa-event writes one.
const USER: &str = r#"{"_user_email":"","_user_identifier":"u7","_user_is_active":true,"_user_name":"Ann","_user_phone":"","_user_roles":["buyer"],"_user_type":"_regular","_user_username":"ann"}"#;

/// Returns the headers of a message, as a record of Kafka has them.
pub fn headers() -> Vec<(&'static str, &'static str)> {
    vec![
        ("_payload_encoder", "json"),
        ("_ctx_user", USER),
        ("_ctx_locale", "fa"),
        ("_reply_channel", "order.replies"),
        ("_ctx_correlation_id", "req-1"),
    ]
}

/// Returns a message as NATS and Pulsar have it: an envelope of these headers. Without headers it is one of another program.
pub fn envelope(headers: &[(&str, &str)], payload: &str) -> String {
    if headers.is_empty() {
        return payload.to_owned();
    }
    let mut headers: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{}\"", STANDARD.encode(value)))
        .collect();
    headers.sort();
    let (headers, payload) = (headers.join(","), STANDARD.encode(payload));
    format!("{{\"header\":{{{headers}}},\"payload\":\"{payload}\"}}")
}

/// Writes a message with these headers and this payload.
pub type Write<'a> = dyn Fn(&[(&str, &str)], &str) + 'a;

/// A store in which a client of hexa-event writes.
pub struct Subject<'a> {
    /// The user of the store.
    pub pf: &'a Pf,
    /// The store's URL with `mode=hexa`.
    pub url: String,
    /// Writes a message with these headers and this payload to the topic `order.created`, which exists.
    pub write: &'a Write<'a>,
}

impl Subject<'_> {
    /// Goes through what a user does: looks, consumes, triages.
    pub fn check(&self) {
        let lacks = &headers()[..4];
        (self.write)(&headers(), r#"{"n":1}"#);
        (self.write)(lacks, r#"{"n":2}"#);
        (self.write)(&headers(), r#"{"n":3}"#);
        (self.write)(&[], "not of hexa-event");
        (self.write)(&headers(), r#"{"n":4}"#);
        let ids = self.tailed();
        self.consumed(&ids);
        self.triaged(&ids);
        self.written();
        self.failed();
    }

    /// Tails, and returns the ids of the three that can be read.
    fn tailed(&self) -> Vec<String> {
        let tail = ["tail", "order.created", "--until-end", "-o", "json"];
        let records = self.pf.run(&tail).succeeded().json();
        assert_eq!(records.len(), 5, "what cannot be read is shown");
        assert_eq!(records[1]["event"], Value::Null);
        let events: Vec<&Value> = [0, 2, 4].iter().map(|at| &records[*at]["event"]).collect();
        for (event, n) in events.iter().zip([1, 3, 4]) {
            assert_eq!(event["type"], "order.created");
            assert_eq!(event["source"], "hexa:order.created");
            assert_eq!(event["correlationid"], "req-1");
            assert_eq!(event["replyto"], "order.replies");
            assert_eq!(event["hexalocale"], "fa");
            assert_eq!(event["hexauser"], USER);
            assert_eq!(event["data"]["n"], n, "{event}");
        }
        let ids: Vec<_> = events.iter().map(|event| text(&event["id"])).collect();
        for (id, at) in ids.iter().zip([0, 2, 4]) {
            let position = text(&records[at]["message"]["position"]).replace('/', "-");
            let place = position.trim_start_matches("order.created-");
            assert_eq!(*id, format!("order.created-{place}"));
        }
        let bare = self
            .pf
            .run(&["tail", "order.created", "--last", "1", "--until-end"]);
        assert!(bare.stdout().contains(r#"{"n":4}"#), "{bare}");
        ids
    }

    /// The handler acknowledges the first, fails always with the second, and once with the third.
    fn consumed(&self, ids: &[String]) {
        let script = format!(
            "echo \"$PF_EVENT_ID $PF_DELIVERY_ATTEMPT $PF_EVENT_CORRELATION_ID\"; \
             case $PF_EVENT_ID:$PF_DELIVERY_ATTEMPT in {}:*|{}:1) exit 1 ;; esac",
            ids[1], ids[2]
        );
        let consumed = self.consume("check_order", &script);
        assert_eq!(consumed.code(), Some(4), "{consumed}");
        let mut runs: Vec<&str> = consumed.stdout().lines().collect();
        runs.sort_unstable();
        let run = |at: usize, attempt| format!("{} {attempt} req-1", ids[at]);
        let mut expected = [run(0, 1), run(1, 1), run(1, 2), run(2, 1), run(2, 2)];
        expected.sort_unstable();
        assert_eq!(runs, expected, "{consumed}");
    }

    fn consume(&self, group: &str, script: &str) -> Run {
        let consume = ["consume", "order.created", "--group", group, "--until-end"];
        let policy = ["--max-attempts", "2", "--backoff", "10ms"];
        let handler = ["--", "sh", "-c", script];
        self.pf.run(&[&consume[..], &policy, &handler].concat())
    }

    /// One was exhausted, and two could not be read: one of hexa-event without a header, and one of another program.
    fn triaged(&self, ids: &[String]) {
        let letters = self.letters();
        let kinds = |kind: &str| {
            let of_kind = letters
                .iter()
                .filter(|one| one["dead_letter"]["kind"] == kind);
            of_kind.collect::<Vec<_>>()
        };
        let undecodable = kinds("decode");
        assert_eq!((letters.len(), undecodable.len()), (3, 2), "{letters:?}");
        let reasons = undecodable
            .iter()
            .map(|one| text(&one["dead_letter"]["failure"]["message"]));
        let missing = reasons.filter(|why| why.contains("`_ctx_correlation_id` is missing"));
        assert_eq!(missing.count(), 1, "{undecodable:?}");
        let exhausted = &kinds("exhausted")[0];
        assert_eq!(exhausted["dead_letter"]["event_id"], ids[1]);
        assert_eq!(exhausted["event"]["id"], ids[1]);
        let id = text(&exhausted["dead_letter"]["id"]);
        let shown = self
            .pf
            .run(&["dlq", "show", &id, "-o", "event"])
            .succeeded();
        assert_eq!(shown.json()[0]["data"]["n"], 3, "{shown}");
        let replay = ["dlq", "replay", &id, "--yes"];
        let _ = self.pf.run(&replay).succeeded();
        let again = self.consume("check_order", "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT");
        assert_eq!(again.stdout(), format!("{} 1\n", ids[1]), "{again}");
    }

    fn letters(&self) -> Vec<Value> {
        self.pf
            .run(&["dlq", "list", "-o", "json"])
            .succeeded()
            .json()
    }

    fn in_mode(&self, args: &[&str]) -> Run {
        self.pf.run(&[&["--url", &self.url], args].concat())
    }

    /// What is written in hexa-event's form comes back.
    fn written(&self) {
        let publish = [
            "publish",
            "order.created",
            r#"{"n":5}"#,
            "--id",
            "e5",
            "--source",
            "/shop",
        ];
        let more = [
            "--subject",
            "s",
            "--extension",
            "ext1=x",
            "--extension",
            "replyto=r",
        ];
        let _ = self.in_mode(&[&publish[..], &more].concat()).succeeded();
        let tail = [
            "tail",
            "order.created",
            "--last",
            "1",
            "--until-end",
            "-o",
            "json",
        ];
        let record = &self.pf.run(&tail).succeeded().json()[0];
        let event = &record["event"];
        let known = ["id", "source", "subject", "ext1", "replyto"].map(|name| text(&event[name]));
        assert_eq!(known, ["e5", "/shop", "s", "x", "r"], "{record}");
        assert_eq!(event["data"]["n"], 5);
        assert_eq!(event["correlationid"], Value::Null, "the default is none");
        let stored = record.to_string();
        assert!(stored.contains("_payload_encoder"), "{stored}");
        assert!(
            !stored.contains("specversion\\"),
            "no other program's event: {stored}"
        );
    }

    /// A message that fails gets the headers that hexa-event adds.
    fn failed(&self) {
        let e6 = ["publish", "order.created", r#"{"n":6}"#, "--id", "e6"];
        let _ = self.in_mode(&e6).succeeded();
        let consume = ["consume", "order.created", "--group", "hexa", "--until-end"];
        let end = [
            "--max-attempts",
            "1",
            "--",
            "sh",
            "-c",
            "[ $PF_EVENT_ID != e6 ]",
        ];
        assert_eq!(self.in_mode(&[&consume[..], &end].concat()).code(), Some(4));
        let letters = self.letters();
        let letter = letters.iter().find(|one| one["event"]["id"] == "e6");
        let letter = letter.expect("it failed");
        let position = text(&letter["dead_letter"]["origin"]["position"]).replace('/', "-");
        let root = format!(
            "order.created-{}",
            position.trim_start_matches("order.created-")
        );
        let headers = letter["message"]["headers"].to_string();
        for (name, value) in [
            ("HEXA_ROOT_EVENT_ID", root.as_str()),
            ("HEXA_ROOT_EVENT_HANDLER_ACTION_NAME", "hexa"),
        ] {
            assert!(
                headers.contains(&format!("[\"{name}\",\"{value}\"]")),
                "{headers}"
            );
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
