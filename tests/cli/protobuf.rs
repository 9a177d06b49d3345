//! Data in protobuf: bytes in the store, JSON for people and handlers.

use std::fs;

use insta::assert_snapshot;

use crate::harness::{Pf, Run};

const ORDER: &str = r#"syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
message Order {
  string id = 1;
  int64 total = 2;
  repeated Item items = 3;
  map<string, string> labels = 4;
  Status status = 5;
  google.protobuf.Timestamp placed = 6;
}
message Item { string sku = 1; int32 count = 2; }
enum Status { UNKNOWN = 0; PAID = 1; }
"#;

const DATA: &str = r#"{"id":"7","total":"12","items":[{"sku":"a","count":2}],"status":"PAID"}"#;
const PROTO: [&str; 2] = ["--proto", "shop/order.proto"];

fn shop() -> Pf {
    let pf = Pf::new();
    pf.write("shop/order.proto", ORDER);
    pf
}

fn publish(pf: &Pf, data: &str, more: &[&str]) -> Run {
    let mut args = vec!["publish", "order.created", data, "--id", "e1", "--create"];
    args.extend(PROTO);
    args.extend(["--message", "order.*=shop.v1.Order"]);
    args.extend(more);
    pf.run(&args)
}

fn with_schema(pf: &Pf, args: &[&str]) -> Run {
    pf.run(&[args, &PROTO[..]].concat())
}

fn refused(pf: &Pf, data: &str) -> String {
    let run = publish(pf, data, &[]);
    assert_eq!(run.code(), Some(1), "{run}");
    run.stderr().to_owned()
}

#[test]
fn json_is_stored_as_bytes_and_seen_as_json() {
    let pf = shop();
    let _ = publish(&pf, DATA, &[]).succeeded();
    let stored = pf.run(&["tail", "--until-end", "-o", "json"]).json();
    let event = &stored[0]["event"];
    assert_eq!(event["datacontenttype"], "application/protobuf");
    let schema = "https://type.googleapis.com/shop.v1.Order";
    assert_eq!(event["dataschema"], schema);
    assert_eq!(event["data_base64"], "CgE3EAwaBQoBYRACKAE=");
    let data: serde_json::Value = serde_json::from_str(DATA).unwrap();
    let seen = with_schema(&pf, &["tail", "--until-end", "-o", "json"]).json();
    assert_eq!(seen[0]["event"]["data"], data);
    assert_eq!(seen[0]["event"]["datacontenttype"], "application/json");
    assert_eq!(seen[0]["event"]["dataschema"], schema);
    let payload: serde_json::Value =
        serde_json::from_str(seen[0]["message"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(&payload, event, "the record holds what is stored");
    for format in ["event", "data"] {
        let shown = with_schema(&pf, &["tail", "--until-end", "-o", format]).json();
        let shown = shown[0].get("data").unwrap_or(&shown[0]);
        assert_eq!(shown, &data, "{format}");
    }
    let filter = [
        "tail",
        "--until-end",
        "--where",
        ".event.data.total == \"12\"",
    ];
    assert_snapshot!(with_schema(&pf, &filter), @r#"
    exit: 0
    --- stdout
    [TIME]  order.created  e1  {"id":"7","total":"12","items":[{"sku":"a","count":2}],"status":"PAID"}

    --- stderr
    "#);
}

#[test]
fn a_handler_gets_json_or_the_bytes() {
    let pf = shop();
    let _ = publish(&pf, DATA, &[]).succeeded();
    let handled = |group: &str, flags: &[&str]| {
        let mut args = vec!["consume", "order.created", "--until-end", "--group", group];
        args.extend(flags);
        args.extend(PROTO);
        args.extend(["--", "cat"]);
        pf.run(&args).succeeded()
    };
    let event = &handled("json", &[]).json()[0];
    let data: serde_json::Value = serde_json::from_str(DATA).unwrap();
    assert_eq!(event["data"], data);
    let bytes = handled("bytes", &["--stdin", "data"]);
    assert_eq!(
        bytes.stdout(),
        "\n\u{1}7\u{10}\u{c}\u{1a}\u{5}\n\u{1}a\u{10}\u{2}(\u{1}"
    );
    let worker = r#"while read -r line; do
        echo "$line" > given; echo '{"id":"e1","action":"ack"}'
    done"#;
    let mut args = vec![
        "consume",
        "order.created",
        "--until-end",
        "--group",
        "worker",
    ];
    args.extend(PROTO);
    args.extend(["--worker", "--", "sh", "-c", worker]);
    let _ = pf.run(&args).succeeded();
    let given = fs::read(pf.path("given")).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&given).unwrap();
    assert_eq!(given["data"], data);
}

/// A publisher is a version ahead: its maps and its new fields come back byte for byte.
#[test]
fn stored_bytes_survive_a_dead_letter_and_its_replay() {
    let pf = shop();
    let newer = ORDER.replace(
        "Status status = 5;",
        "Status status = 5; string coupon = 90; Item gift = 91;",
    );
    pf.write("next/order.proto", newer);
    let data = r#"{"id":"7","coupon":"X","gift":{"sku":"g"},
        "labels":{"a":"1","b":"2","c":"3","d":"4","e":"5"}}"#;
    let args = [
        "publish",
        "order.created",
        data,
        "--mode",
        "binary",
        "--create",
    ];
    let next = ["--proto", "next/order.proto", "--message", "shop.v1.Order"];
    let _ = pf.run(&[&args[..], &next].concat()).succeeded();
    let payloads = || -> Vec<String> {
        let stored = pf.run(&["tail", "--until-end", "-o", "json"]).json();
        let payload = |line: &serde_json::Value| {
            let text = line["message"].get("payload");
            let payload = text.or(line["message"].get("payload_base64"));
            payload.unwrap().as_str().unwrap().to_owned()
        };
        stored.iter().map(payload).collect()
    };
    let published = payloads().remove(0);
    let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
    let dead = [&consume[..], &PROTO, &["--", "sh", "-c", "exit 65"]].concat();
    assert_eq!(pf.run(&dead).code(), Some(4));
    let shown = with_schema(&pf, &["dlq", "show", "--all", "-o", "json"]).json();
    assert_eq!(shown[0]["event"]["data"]["labels"]["e"], "5");
    let text = with_schema(&pf, &["dlq", "show", "--all"]).succeeded();
    assert!(
        text.stdout().contains("\ndecoded\n    {\"specversion\""),
        "{text}"
    );
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    assert_eq!(payloads(), [published.as_str()]);
    let bytes = [&consume[..], &["--stdin", "data", "--", "base64", "-w0"]].concat();
    assert_eq!(pf.run(&bytes).succeeded().stdout(), published);
    let args = [
        "tail",
        "--until-end",
        "-o",
        "data",
        "--proto",
        "next/order.proto",
    ];
    let read = &pf.run(&args).json()[0];
    assert_eq!(
        (&read["coupon"], &read["gift"]["sku"]),
        (&"X".into(), &"g".into())
    );
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_path() {
    let pf = shop();
    let said: Vec<_> = [
        r#"{"total":"x"}"#,
        r#"{"items":[{"sku":"a"},{"count":"many"}]}"#,
        r#"{"status":"LOST"}"#,
        r#"{"price":1}"#,
        r#"{"labels":{"a":1}}"#,
        "[1]",
        "{",
    ]
    .map(|data| refused(&pf, data))
    .concat()
    .lines()
    .filter(|line| line.starts_with("error"))
    .map(str::to_owned)
    .collect();
    assert_snapshot!(said.join("\n"), @"
    error: the data is not a `shop.v1.Order` at `total`: invalid digit found in string
    error: the data is not a `shop.v1.Order` at `items[1].count`: invalid digit found in string
    error: the data is not a `shop.v1.Order` at `status`: unrecognized enum value 'LOST'
    error: the data is not a `shop.v1.Order`: unrecognized field name 'price'
    error: the data is not a `shop.v1.Order` at `labels.a`: invalid type: integer `1`, expected a string
    error: the data is not a `shop.v1.Order`: invalid type: sequence, expected a map
    error: the data is not valid JSON: EOF while parsing an object at line 1 column 1
    ");
    let lines = format!("{}\n{}\n", r#"{"id":"1"}"#, r#"{"id":2}"#);
    let mut args = vec!["publish", "order.created", "--lines", "--create"];
    args.extend(PROTO);
    args.extend(["--message", "shop.v1.Order", "--on-error", "continue"]);
    assert_snapshot!(pf.run_with(&args, lines), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: the data is not a `shop.v1.Order` at `id`: invalid type: integer `2`, expected a string
    published 1 event
    error: 1 line was not published
    ");
}

#[test]
fn schemas_that_cannot_be_used_are_named() {
    let pf = shop();
    pf.write(
        "bad.proto",
        "syntax = \"proto3\";\nmessage A {\n  strin a = 1;\n}\n",
    );
    pf.write(
        "worse.proto",
        "syntax = \"proto3\";\nmessage A {\n  string = 1;\n}\n",
    );
    let mut said = String::new();
    for args in [
        &["--proto", "bad.proto"][..],
        &["--proto", "worse.proto"],
        &["--proto", "gone.proto"],
        &["--protoset", "gone.binpb"],
        &["--protoset", "bad.proto"],
        &["--message", "shop.v1.Order"],
        &["--proto", "shop/order.proto", "--message", "shop.v1.Ordr"],
        &["--proto", "shop/order.proto", "--message", "Receipt"],
        &[
            "--proto",
            "shop/order.proto",
            "--message",
            "order..*=shop.v1.Order",
        ],
    ] {
        let run = pf.run(&[&["tail", "--until-end"], args].concat());
        assert_eq!(run.code(), Some(2), "{run}");
        said.push_str(run.stderr());
    }
    assert_snapshot!(said, @"
            error: the schema does not compile: bad.proto:3:3: name 'strin' is not defined
            error: the schema does not compile: worse.proto:3:10: expected an identifier, but found '='
            error: gone.proto cannot be read
              caused by: No such file or directory (os error 2)
            error: gone.binpb cannot be read
              caused by: No such file or directory (os error 2)
            error: bad.proto is not a descriptor set: failed to decode file descriptor set
            hint: a schema file is named with `--proto`; a set has to hold the imports too (`--include_imports`)
            error: `--message` needs a schema
            hint: name its file with `--proto` or `--protoset`
            error: the schema has no message `shop.v1.Ordr`
            hint: did you mean `shop.v1.Order`?
            error: the schema has no message `Receipt`
            hint: it has shop.v1.Order, shop.v1.Item
            error: invalid value 'order..*=shop.v1.Order' for '--message <MESSAGE>': pattern `order..*` has an empty token between dots

            For more information, try '--help'.
            ");
}

/// Data that are not what the schema says are shown as they are; a handler must not get them.
#[test]
fn data_that_do_not_fit_are_shown_and_not_handled() {
    let pf = shop();
    let args = [
        "publish",
        "order.created",
        "not an order",
        "--id",
        "e1",
        "--create",
    ];
    let kind = ["--content-type", "application/protobuf", "--mode", "binary"];
    let _ = pf.run(&[&args[..], &kind].concat()).succeeded();
    let rule = ["--message", "shop.v1.Order"];
    assert_snapshot!(with_schema(&pf, &[&["tail", "--until-end"], &rule[..]].concat()), @"
    exit: 0
    --- stdout
    [TIME]  order.created  e1  not an order

    --- stderr
    warning: at 1: the data is not a `shop.v1.Order`: invalid wire type value: 6
    ");
    let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
    let args = [&consume[..], &PROTO, &rule, &["--", "cat"]].concat();
    assert_snapshot!(pf.run(&args), @"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: cat
    dead letter order.created e1 (decode): data is not a `shop.v1.Order`: invalid wire type value: 6
    0 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    // A publisher with the schema does not even get so far.
    let mut args = vec!["publish", "order.created", "not an order", "--content-type"];
    args.push("application/protobuf");
    assert_snapshot!(with_schema(&pf, &[&args[..], &rule].concat()), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not a `shop.v1.Order`: invalid wire type value: 6
    ");
}

/// Records of other programs are bare messages, which a schema registry frames.
#[test]
fn the_framing_of_a_schema_registry_is_skipped() {
    let pf = shop();
    let framed = r#"{"message":{"topic":"order.created","payload_base64":"AAAAAAcACgE3EAw="}}"#;
    let plain = r#"{"message":{"topic":"order.created","payload_base64":"CgE4"}}"#;
    let lines = format!("{framed}\n{framed}\n{plain}\n");
    let _ = pf
        .run_with(&["publish", "--ndjson", "--create"], lines)
        .succeeded();
    let rule = ["--message", "shop.v1.Order"];
    let tail = ["tail", "--until-end", "-o", "data"];
    assert_snapshot!(with_schema(&pf, &[&tail[..], &rule].concat()), @r#"
    exit: 0
    --- stdout
    {"id":"7","total":"12"}
    {"id":"7","total":"12"}
    {"id":"8"}

    --- stderr
    the data has the framing of a schema registry (schema 7), which is skipped
    "#);
    let consume = [
        "consume",
        "order.created",
        "-g",
        "billing",
        "--until-end",
        "--plain",
    ];
    let args = [&consume[..], &PROTO, &rule, &["--", "jq", "-c", ".data"]].concat();
    assert_snapshot!(pf.run(&args), @r#"
        exit: 0
        --- stdout
        {"id":"7","total":"12"}
        {"id":"7","total":"12"}
        {"id":"8"}

        --- stderr
        consuming order.created as group billing: jq -c .data
        the data has the framing of a schema registry (schema 7), which is skipped
        3 handled
        "#);
}

#[test]
fn a_context_knows_its_schemas() {
    let pf = shop();
    let add = ["context", "add", "shop", "--url", "sqlite:events.db"];
    let schemas = ["--message", "order.**=shop.v1.Order", "-I", "shop"];
    let _ = with_schema(&pf, &[&add[..], &schemas].concat()).succeeded();
    let pf = Pf::env(pf, "PF_URL", "");
    let shop = ["--context", "shop"];
    let publish = ["publish", "order.created", r#"{"id":"7"}"#, "--create"];
    let _ = pf.run(&[&publish[..], &shop].concat()).succeeded();
    let tail = ["tail", "--until-end", "-o", "data"];
    let read = pf.run(&[&tail[..], &shop].concat()).succeeded();
    assert_eq!(read.stdout(), "{\"id\":\"7\"}\n");
}

/// The event itself is a protobuf message, and every command reads it.
#[test]
fn an_event_in_protobuf_is_read_everywhere() {
    let pf = shop();
    let _ = publish(&pf, DATA, &["--mode", "protobuf", "--subject", "s"]).succeeded();
    let stored = pf.run(&["tail", "--until-end", "-o", "json"]).json();
    let message = &stored[0]["message"];
    assert_eq!(message["headers"][0][1], "application/cloudevents+protobuf");
    assert_eq!(message["key"], "s");
    assert_eq!(stored[0]["event"]["data_base64"], "CgE3EAwaBQoBYRACKAE=");
    let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
    let dead = [&consume[..], &["--", "sh", "-c", "exit 65"]].concat();
    assert_eq!(pf.run(&dead).code(), Some(4));
    let edit = [
        ".event.data = {\"paid\": true} | .event.datacontenttype = \"application/json\"
        | del(.event.data_base64, .event.dataschema)",
    ];
    let edit = [&["dlq", "replay", "--all", "--yes", "--edit"], &edit[..]].concat();
    let _ = pf.run(&edit).succeeded();
    let handled = [&consume[..], &["--", "cat"]].concat();
    let event = &pf.run(&handled).succeeded().json()[0];
    assert_eq!(event["data"]["paid"], true);
}

/// A filter sees what `tail --where` sees; what does not fit is not acknowledged unseen.
#[test]
fn a_filter_of_a_consumer_sees_json() {
    let pf = shop();
    let _ = publish(&pf, DATA, &[]).succeeded();
    let args = ["publish", "order.created", "not an order", "--create"];
    let kind = ["--content-type", "application/protobuf", "--mode", "binary"];
    let _ = pf.run(&[&args[..], &kind].concat()).succeeded();
    let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
    let filter = [
        "--message",
        "shop.v1.Order",
        "--where",
        ".event.data.total == \"12\"",
    ];
    let run = pf.run(&[&consume[..], &PROTO, &filter, &["--", "true"]].concat());
    assert!(run.stderr().contains("1 handled, 1 dead letter"), "{run}");
}

/// Bytes of one message are bytes of nearly any other.
#[test]
fn data_that_name_another_message_are_not_decoded() {
    let pf = shop();
    let other = ["--dataschema", "https://type.googleapis.com/shop.v1.Refund"];
    let refused = publish(&pf, DATA, &other);
    assert_eq!(refused.code(), Some(2), "{refused}");
    let args = [
        "publish",
        "order.created",
        "\n\u{1}7",
        "--create",
        "--content-type",
    ];
    let kind = ["application/protobuf", "--mode", "binary"];
    let _ = pf.run(&[&args[..], &kind, &other].concat()).succeeded();
    let tail = [
        "tail",
        "--until-end",
        "-o",
        "json",
        "--message",
        "shop.v1.Order",
    ];
    let seen = with_schema(&pf, &tail).json();
    assert_eq!(seen[0]["event"]["data_base64"], "CgE3");
    // Data of another type are left alone.
    let text = ["--content-type", "text/plain", "--id", "e2"];
    let args = [
        "publish",
        "order.created",
        "0101",
        "--message",
        "shop.v1.Order",
    ];
    let _ = with_schema(&pf, &[&args[..], &text].concat()).succeeded();
    let seen = with_schema(&pf, &tail).json();
    assert_eq!(seen[1]["event"]["datacontenttype"], "text/plain");
}

#[test]
fn masks_hold_for_decoded_data() {
    let pf = shop();
    let _ = publish(&pf, DATA, &[]).succeeded();
    let consume = ["consume", "order.created", "-g", "billing", "--until-end"];
    let dead = [&consume[..], &["--", "sh", "-c", "exit 65"]].concat();
    assert_eq!(pf.run(&dead).code(), Some(4));
    pf.write("policy.json", r#"{"mask":[".event.data.items"]}"#);
    let _ = pf.run(&["dlq", "policy", "set", "policy.json"]).succeeded();
    let shown = with_schema(&pf, &["dlq", "show", "--all", "-o", "json"]).succeeded();
    assert!(!shown.stdout().contains("\"sku\""), "{shown}");
}
