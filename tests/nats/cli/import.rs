//! `pf dlq import` of what NATS cannot hold.

use insta::assert_snapshot;

use super::shop::Shop;

/// Buries two events in a file, one with a header that NATS does not have; returns their export.
fn exported(shop: &Shop) -> String {
    for (id, header) in [("e1", "a=1"), ("e2", "a:b=1")] {
        let args = ["publish", "order", "{}", "--id", id, "--header", header];
        let url = ["--url", "sqlite:file.db", "-q"];
        let _ = shop.pf.run(&[&args[..], &url].concat()).succeeded();
    }
    let consume = [
        "consume",
        "order",
        "--group",
        "billing",
        "--until-end",
        "-q",
    ];
    let url = ["--url", "sqlite:file.db", "--", "sh", "-c", "exit 65"];
    let _ = shop.pf.run(&[&consume[..], &url].concat());
    let export = ["dlq", "export", "--all", "--url", "sqlite:file.db"];
    shop.pf.run(&export).succeeded().stdout().to_owned()
}

#[test]
fn what_does_not_fit_is_named_before_anything_is_stored() {
    let shop = Shop::prepared();
    let lines = exported(&shop);
    let import = |more: &[&str]| {
        let args = [&["dlq", "import", "-"][..], more].concat();
        shop.pf.run_with(&args, &*lines)
    };
    let refused = import(&[]);
    assert_snapshot!(refused, @"
    exit: 1
    --- stdout

    --- stderr
    error: line 2: [LETTER] does not fit: `a:b` is not a valid header name
    warning: this store does not keep the order of headers with different names: it is lost for 1 dead letter
    error: 1 of 2 dead letters do not fit in this store
    hint: nothing was imported; import the others with `--skip-unfit`
    ");
    assert_eq!(import(&["--dry-run"]).code(), Some(1));
    let list = ["dlq", "list", "-o", "json"];
    assert_eq!(shop.pf.run(&list).stdout(), "");
    assert_snapshot!(import(&["--skip-unfit"]), @"
    exit: 4
    --- stdout
    imported 1 dead letter

    --- stderr
    error: line 2: [LETTER] does not fit: `a:b` is not a valid header name
    warning: this store does not keep the order of headers with different names: it is lost for 1 dead letter
    error: 1 of 2 dead letters do not fit in this store
    ");
    let ids = shop.pf.run(&list).succeeded().json();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0]["event"]["id"], "e1");
}
