//! Where a group starts: what it was told counts only while it is new.

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

use super::shop::Shop;

/// Consumes what is there; returns the data that was handled, and stderr without what was made.
fn consume(shop: &Shop, topics: &[&str], from: &str) -> (String, String) {
    let group = shop.name("mail");
    let how = ["--group", &group, "--from", from, "--until-end"];
    let handle = ["--stdin", "data", "--", "sh", "-c", "cat; echo"];
    let args = [&["consume"], topics, &how[..], &handle].concat();
    let run = shop.pf.run(&args).succeeded();
    let told = run.stderr().replace(&shop.name(""), "");
    let told = told.lines().filter(|line| line.starts_with("group "));
    (run.stdout().to_owned(), told.collect::<Vec<_>>().join("\n"))
}

fn publish(shop: &Shop, topic: &str, data: &str) {
    let _ = shop
        .pf
        .run(&["publish", topic, data, "--create"])
        .succeeded();
}

const KNOWN: &str = "group mail is not new: it resumes where it was, and starts at the earliest event of topics that it has not read (`--from` is for new groups)";

#[test]
fn a_new_group_says_where_it_starts() {
    let shop = Shop::with_orders();
    publish(&shop, "order.created", "1");
    let (handled, told) = consume(&shop, &["order.created"], "earliest");
    assert_eq!(
        (&*handled, &*told),
        ("1\n", "group mail is new: starts at the earliest event")
    );
    let (handled, told) = consume(&shop, &["order.created"], "earliest");
    assert_eq!((&*handled, &*told), ("", ""));
    let shop = Shop::with_orders();
    publish(&shop, "order.created", "1");
    let (handled, told) = consume(&shop, &["order.created"], "new");
    assert_eq!(
        (&*handled, &*told),
        ("", "group mail is new: starts at events stored from now on")
    );
    let shop = Shop::with_orders();
    let (_, told) = consume(&shop, &["order.created"], "2026-01-02T03:04:05Z");
    assert_eq!(
        told,
        "group mail is new: starts at events stored since 2026-01-02T03:04:05Z"
    );
}

#[test]
fn what_was_added_while_nobody_ran_is_read_from_its_beginning() {
    for from in ["new", "1ms"] {
        let shop = Shop::with_orders();
        publish(&shop, "order.created", "1");
        assert_eq!(consume(&shop, &["order.*"], from).0, "");
        // A topic that the pattern matches, ...
        publish(&shop, "order.paid", "2");
        assert_eq!(
            consume(&shop, &["order.*"], from),
            ("2\n".to_owned(), KNOWN.to_owned())
        );
        // ... one that is named, ...
        publish(&shop, "payment.done", "3");
        let topics = ["order.created", "payment.done"];
        assert_eq!(consume(&shop, &topics, from).0, "3\n");
        // ... and further partitions.
        let name = shop.name("order.created");
        shop.raw.widen(&name, 2);
        let record = |partition| test_support::kafka::records::Record {
            partition: Some(partition),
            payload: Some(
                br#"{"specversion":"1.0","id":"4","source":"/a","type":"order.created","data":4}"#
                    .to_vec(),
            ),
            ..test_support::kafka::records::Record::default()
        };
        shop.raw.write(&name, &[record(1)]);
        assert_eq!(consume(&shop, &topics, from).0, "4\n");
    }
}

#[test]
fn a_group_whose_positions_have_expired_loses_nothing() {
    let shop = Shop::with_orders();
    assert_eq!(consume(&shop, &["order.created"], "new").0, "");
    publish(&shop, "order.created", "1");
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shop.address());
    let client: AdminClient<DefaultClientContext> = config.create().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let group = shop.name("mail");
    let deleted = runtime.block_on(client.delete_groups(&[&group], &AdminOptions::new()));
    assert_eq!(deleted.unwrap(), [Ok(group)]);
    let (handled, told) = consume(&shop, &["order.created"], "new");
    let expected = "group mail existed before, and the broker dropped its offsets: starts at the earliest event";
    assert_eq!((&*handled, &*told), ("1\n", expected));
}

#[test]
fn several_that_begin_a_group_together_start_at_the_same_place() {
    let shop = Shop::empty();
    shop.make("order.created", 4, &[]);
    let name = shop.name("order.created");
    let records: Vec<_> = (0..4)
        .map(|partition| test_support::kafka::records::Record {
            partition: Some(partition),
            payload: Some(b"old".to_vec()),
            ..test_support::kafka::records::Record::default()
        })
        .collect();
    shop.raw.write(&name, &records);
    let group = shop.name("mail");
    let consume = [
        "consume",
        "order.created",
        "--group",
        &group,
        "--from",
        "new",
        "--plain",
        "--timeout",
        "8s",
        "--",
        "cat",
    ];
    let members: Vec<_> = (0..3).map(|_| shop.pf.spawn(&consume)).collect();
    for member in members {
        let run = shop.pf.finish(member);
        assert_eq!((run.code(), run.stdout()), (Some(3), ""), "{run}");
    }
}
