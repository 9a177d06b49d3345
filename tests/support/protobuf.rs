//! Data in protobuf on its way through publish, dead letter and replay, the same on every transport.

use serde_json::Value;

use crate::harness::Pf;

/// The schema that the publisher has; the consumer's is without the last two fields.
const ORDER: &str = r#"syntax = "proto3";
package shop.v1;
message Order {
  string id = 1;
  map<string, string> labels = 4;
  string coupon = 90;
  Item gift = 91;
}
message Item { string sku = 1; }
"#;

const DATA: &str = r#"{"id":"7","labels":{"a":"1","b":"2","c":"3","d":"4","e":"5"},"coupon":"X","gift":{"sku":"g"}}"#;

/// Publishes events in every form of the transport, and has each die and be replayed. Stored bytes stay what they are, fields
/// that the consumer does not know among them.
pub fn check(pf: &Pf) {
    pf.write("next/order.proto", ORDER);
    let consumers = ORDER.replace("  string coupon = 90;\n  Item gift = 91;\n", "");
    pf.write("shop/order.proto", consumers);
    for mode in ["structured", "binary", "protobuf"] {
        let args = [
            "publish",
            "order.created",
            DATA,
            "--id",
            mode,
            "--mode",
            mode,
        ];
        let schema = ["--proto", "next/order.proto", "--message", "shop.v1.Order"];
        let _ = pf.run(&[&args[..], &schema].concat()).succeeded();
    }
    let mut published = data(pf, &[]);
    assert_eq!(published.len(), 3);
    let consume = [
        "consume",
        "order.created",
        "--group",
        "billing",
        "--until-end",
    ];
    let deadly = ["--", "sh", "-c", "exit 65"];
    assert_eq!(pf.run(&[&consume[..], &deadly].concat()).code(), Some(4));
    let shown = pf.run(&[
        "dlq",
        "show",
        "--all",
        "-o",
        "json",
        "--proto",
        "shop/order.proto",
    ]);
    for letter in shown.succeeded().json() {
        assert_eq!(letter["event"]["data"]["labels"]["e"], "5", "{letter}");
    }
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    let bytes = ["--stdin", "data", "--", "sh", "-c", "base64 -w0; echo"];
    let handled = pf.run(&[&consume[..], &bytes].concat()).succeeded();
    let mut handled: Vec<_> = handled.stdout().lines().map(str::to_owned).collect();
    handled.sort();
    published.sort();
    assert_eq!(handled, published);
    for order in data(pf, &["--proto", "next/order.proto"]) {
        let order: Value = serde_json::from_str(&order).unwrap();
        assert_eq!(
            (&order["coupon"], &order["gift"]["sku"]),
            (&"X".into(), &"g".into())
        );
    }
}

/// Returns the data of each event, in base64 or as JSON.
fn data(pf: &Pf, schema: &[&str]) -> Vec<String> {
    let args = ["tail", "order.created", "--until-end", "-o", "json"];
    let records = pf.run(&[&args[..], schema].concat()).succeeded().json();
    let data = |record: &Value| match &record["event"]["data_base64"] {
        Value::String(text) => text.clone(),
        _ => record["event"]["data"].to_string(),
    };
    records.iter().map(data).collect()
}
