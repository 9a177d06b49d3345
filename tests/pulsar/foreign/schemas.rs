//! Topics whose schema Python's client has set.

use super::client::python;
use crate::cli::shop::Shop;

/// Where schemas are enforced, events, which have none, are refused with the reason and what can be done.
#[test]
fn a_schema_that_is_enforced_is_named() {
    for kind in ["json", "avro"] {
        let shop = Shop::with_orders("");
        python(&shop, "schema", "order.created", &[&format!("kind={kind}")]);
        // Without enforcement bytes are accepted beside it.
        let _ = shop.pf.run(&["publish", "order.created", "{}"]).succeeded();
        shop.enforce_schemas();
        let run = shop.pf.run(&["publish", "order.created", "{}"]);
        assert_eq!(run.code(), Some(78), "{run}");
        let stderr = run.stderr();
        assert!(stderr.contains("schema"), "{run}");
        assert!(stderr.contains("the topic enforces a schema"), "{run}");
        let run = shop.pf.run(&[
            "tail",
            "order.created",
            "--last",
            "9",
            "--until-end",
            "-o",
            "json",
        ]);
        assert_eq!(run.json().len(), 2, "both are shown: {run}");
    }
}
