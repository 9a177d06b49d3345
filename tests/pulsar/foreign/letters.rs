//! Dead letters of Java's and Python's clients in triage, and those of `pf` for them.

use super::client::{java, python, python_writes};
use crate::cli::shop::Shop;

fn list(shop: &Shop) -> Vec<serde_json::Value> {
    let run = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    run.json()
}

/// Java retries by the retry topic, then dead-letters. Its letters are listed, shown and replayed to their topic.
#[test]
fn letters_of_java_are_listed_shown_and_replayed() {
    let shop = Shop::with_orders("");
    java(&shop, "write", "order.created", &["count=3"]);
    java(
        &shop,
        "give-up",
        "order.created",
        &["count=3", "group=billing"],
    );
    let letters = list(&shop);
    assert_eq!(letters.len(), 3);
    for letter in &letters {
        let record = &letter["dead_letter"];
        assert_eq!(record["group"], "billing", "{letter}");
        assert_eq!(record["kind"], "exhausted", "{letter}");
        assert_eq!(record["attempts"], 3, "{letter}");
        assert_eq!(letter["message"]["topic"], "order.created", "{letter}");
        // Its own properties are left out, those of the user stay.
        let headers = letter["message"]["headers"].as_array().unwrap();
        assert_eq!(headers.len(), 1, "{letter}");
    }
    let id = letters[0]["dead_letter"]["id"].as_str().unwrap();
    let shown = shop.pf.run(&["dlq", "show", id]).succeeded();
    assert!(shown.stdout().contains("billing"), "{shown}");
    let _ = shop
        .pf
        .run(&["dlq", "replay", "--all", "--yes"])
        .succeeded();
    assert_eq!(list(&shop), [] as [serde_json::Value; 0]);
    let again = java(&shop, "read", "order.created", &[]);
    assert_eq!(again.len(), 6);
    for (first, replayed) in again[..3].iter().zip(&again[3..]) {
        assert_eq!((&first.key, &first.text), (&replayed.key, &replayed.text));
        assert!(!replayed.properties.contains("REAL_TOPIC"), "{replayed:?}");
    }
    println!("letters of Java: 3 listed, 3 replayed; lost 0, doubled 0");
}

/// Python counts deliveries and adds nothing but the topic and the id.
#[test]
fn letters_of_python_are_listed_and_replayed() {
    let shop = Shop::with_orders("");
    python_writes(&shop, "order.created", &["count=3", "batching=yes"]);
    let written = python(
        &shop,
        "give-up",
        "order.created",
        &["count=3", "group=billing"],
    );
    assert_eq!(written.len(), 3);
    println!(
        "properties of Python's letters: {}",
        written[0]["properties"]
    );
    let letters = list(&shop);
    let keys: Vec<_> = letters
        .iter()
        .map(|one| one["message"]["key"].clone())
        .collect();
    assert_eq!(keys, ["000", "001", "002"]);
    for letter in &letters {
        assert_eq!(letter["dead_letter"]["group"], "billing", "{letter}");
        assert_eq!(letter["message"]["topic"], "order.created", "{letter}");
    }
    let _ = shop
        .pf
        .run(&["dlq", "replay", "--all", "--yes"])
        .succeeded();
    assert_eq!(list(&shop), [] as [serde_json::Value; 0]);
    assert_eq!(python(&shop, "read", "order.created", &[]).len(), 6);
}

/// What `pf` dead-letters both clients read, with the properties that Java's tools look for.
#[test]
fn letters_of_pf_are_read_by_other_clients() {
    let shop = Shop::with_orders("");
    let publish = ["publish", "order.created", r#"{"n":1}"#, "--key", "k1"];
    let _ = shop.pf.run(&publish).succeeded();
    let consume = [
        "consume",
        "order.created",
        "-g",
        "billing",
        "--until-end",
        "--",
        "sh",
        "-c",
        "exit 65",
    ];
    let run = shop.pf.run(&consume);
    assert_eq!(run.code(), Some(4), "{run}");
    let of_java = java(&shop, "read", "order.created-billing-DLQ", &[]);
    assert_eq!(of_java.len(), 1);
    assert_eq!(of_java[0].key, "k1");
    let real_topic = format!("REAL_TOPIC=persistent://{}/order.created", shop.namespace);
    for part in [
        &real_topic[..],
        "REAL_SUBSCRIPTION=billing",
        "RECONSUMETIMES=1",
        "ORIGIN_MESSAGE_ID=",
    ] {
        assert!(of_java[0].properties.contains(part), "{of_java:?}");
    }
    let of_python = python(&shop, "read", "order.created-billing-DLQ", &[]);
    assert_eq!(of_python[0]["properties"]["REAL_SUBSCRIPTION"], "billing");
    assert_eq!(of_python[0]["key"], "k1");
}

/// A group may have consumers of both kinds: `pf` finishes what Java had retried.
#[test]
fn a_retry_of_java_is_finished_by_pf() {
    let shop = Shop::with_orders("");
    let _ = shop.pf.run(&["publish", "order.created", "{}"]).succeeded();
    // One of the three attempts after which Java gives up.
    java(&shop, "retry-once", "order.created", &["group=billing"]);
    let consume = [
        "consume",
        "order.created",
        "-g",
        "billing",
        "--count",
        "1",
        "--",
        "sh",
        "-c",
        "echo $PF_DELIVERY_ATTEMPT",
    ];
    let shop_shared = Shop::of_with(&shop.namespace, "?type=shared");
    let run = shop_shared.pf.run(&consume).succeeded();
    assert_eq!(run.stdout(), "2\n", "{run}");
}
