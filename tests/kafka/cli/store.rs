//! `pf caps` and `pf doctor`.

use insta::assert_snapshot;

use super::{asked, shop::Shop};

/// Shows what a command did, without the name that the cluster gave itself.
fn show(shop: &Shop, args: &[&str]) -> String {
    let shown = shop.show(args);
    let Some((before, rest)) = shown.split_once("cluster ") else {
        return shown;
    };
    let end = rest.find([')', ':']).unwrap();
    format!("{before}cluster [NAME]{}", &rest[end..])
}

#[test]
fn a_cluster_can_do_this() {
    let shop = Shop::empty();
    assert_snapshot!(show(&shop, &["caps"]), @"
    exit: 0
    --- stdout
    kafka (Apache Kafka 4.1 or newer, cluster [NAME])
      publish              native    acknowledged by every replica in sync
      dedup                absent    the idempotent producer recognises only its own repeats; let the consumers ignore ids that they know
      dedup-handling       emulated  the mark is stored in `pf.<action>.marks` before the offset may pass; a consumer knows the last 900,000. Copies without a key, which two consumers may hold at the same moment, are both handled then, unless each is begun (`at-most-once`)
      delay                emulated  waits in `pf.delay`; fires exactly once for readers of committed records, while a `pf consume` or `pf schedule run` is up on the cluster
      schedule             emulated  reads the whole of `pf.delay`
      delayed-retry        emulated  waits in a topic of group and topic, `pf.<group>.<topic>.<hash>.delay`
      dlq                  emulated  stored in `<topic>.dlq` before the offset may pass
      exactly-once-replay  native    message, receipt and position in one transaction, for readers of committed records
      exactly-once-outbox  native    batch and receipt in one transaction, for readers of committed records
      replay-to-group      emulated  through a topic of group and topic, `pf.<group>.<topic>.<hash>.delay`
      order                native    per partition, so per key
      ordered-retry        absent    a retry leaves its partition and its key's order
      groups               native    a partition is with one consumer of a group
      patterns             emulated  new topics are found within seconds
      crash-count          absent    Kafka does not count deliveries
      purge                emulated  marks dead letters as purged; their bytes go once everything before them in the partition is purged too
      max payload          1048588 bytes
      lateness             [MS]

    --- stderr
    ");
    let _ = shop
        .pf
        .run(&["caps", "--require", "delay,dlq,exactly-once-replay:native"])
        .succeeded();
    assert_snapshot!(show(&shop, &["caps", "--require", "delay:native"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: `kafka` has no delay:native
    hint: delay is emulated: waits in `pf.delay`; fires exactly once for readers of committed records, while a `pf consume` or `pf schedule run` is up on the cluster
    ");
}

#[test]
fn what_is_missing_is_made_when_asked() {
    let shop = Shop::with_orders();
    assert_snapshot!(show(&shop, &["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker
    warning  missing.pf.delay topic `pf.delay` does not exist yet: the first consumer or delayed event creates it, if allowed to
                                  fix: pf doctor --fix
    warning  missing.pf.state topic `pf.state` does not exist yet: the first dead-letter job creates it, if allowed to
                                  fix: pf doctor --fix

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    ");
    assert_snapshot!(show(&shop, &["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    fixed missing.pf.delay
    fixed missing.pf.state
    ");
    assert_snapshot!(show(&shop, &["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    ");
}

#[test]
fn settings_that_bite_are_told_and_those_of_ours_mended() {
    let shop = Shop::empty();
    let settings = [
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "2000000"),
    ];
    shop.make("order.created", 1, &settings);
    shop.make("order.paid", 1, &[("retention.ms", "60000")]);
    shop.make("order.created.dlq", 1, &[("segment.ms", "900000")]);
    shop.make("pf.delay", 1, &[("delete.retention.ms", "1000")]);
    shop.make("pf.state", 1, &[("cleanup.policy", "compact")]);
    // The column is filled where the name of the shop is short.
    let shown = show(&shop, &["doctor"]).replace("ends.pf.delay  `", "ends.pf.delay `");
    assert_snapshot!(shown, @"
    exit: 1
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker
    warning  cleanup.order.created `order.created` is compacted: an event is removed once a later one has the same key, read or not
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.created --add-config cleanup.policy=delete
    warning  retention.order.created.dlq dead letters in `order.created.dlq` are deleted after 7days, resolved or not
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.created.dlq --add-config retention.ms=-1
    warning  limit.order.created.dlq `order.created.dlq` accepts records of up to 1048588 bytes, `order.created` of up to 2000000: larger events do not fit
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.created.dlq --add-config max.message.bytes=2008192
    warning  retention.order.paid events of `order.paid` are deleted after 1m, read or not
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.paid --add-config retention.ms=604800000
    problem  cleanup.pf.delay `pf.delay` deletes records after 7days: events delayed for longer are lost
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name pf.delay --add-config cleanup.policy=compact
    warning  ends.pf.delay `pf.delay` keeps tombstones for only 1s: a slow reader may miss one and process an ended record again
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name pf.delay --add-config delete.retention.ms=86400000
    warning  limit.pf.delay `pf.delay` accepts records of up to 1048588 bytes, `order.created` of up to 2000000: larger events do not fit
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name pf.delay --add-config max.message.bytes=2008192
    warning  limit.pf.state `pf.state` accepts records of up to 1048588 bytes, `order.created` of up to 2000000: larger events do not fit
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name pf.state --add-config max.message.bytes=2008192

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    error: 1 problem
    ");
    assert_snapshot!(show(&shop, &["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker
    warning  cleanup.order.created `order.created` is compacted: an event is removed once a later one has the same key, read or not
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.created --add-config cleanup.policy=delete
    warning  retention.order.paid events of `order.paid` are deleted after 1m, read or not
                                  fix: kafka-configs.sh --bootstrap-server SERVER --alter --entity-type topics --entity-name order.paid --add-config retention.ms=604800000

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    warning: cleanup.order.created not fixed: kafka: `order.created` is your own topic: change it yourself
    fixed retention.order.created.dlq
    fixed limit.order.created.dlq
    warning: retention.order.paid not fixed: kafka: `order.paid` is your own topic: change it yourself
    fixed cleanup.pf.delay
    fixed ends.pf.delay
    fixed limit.pf.delay
    fixed limit.pf.state
    ");
    assert_eq!(
        asked::setting(&shop, &shop.name("order.created.dlq"), "segment.ms"),
        "900000"
    );
}

#[test]
fn groups_and_their_lag_are_shown() {
    let shop = Shop::with_orders();
    let records = vec![test_support::kafka::records::Record::default(); 5];
    let name = shop.name("order.created");
    shop.raw.write(&name, &records);
    asked::commit(&shop, "doctor-lag", &name, 2);
    assert_snapshot!(show(&shop, &["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               Apache Kafka 4.1 or newer, cluster [NAME]: 1 broker
    warning  missing.order.created.dlq topic `order.created.dlq` does not exist yet: the first consumer creates it, if allowed to
                                  fix: pf doctor --fix
    warning  missing.pf.delay topic `pf.delay` does not exist yet: the first consumer or delayed event creates it, if allowed to
                                  fix: pf doctor --fix
    warning  missing.pf.state topic `pf.state` does not exist yet: the first dead-letter job creates it, if allowed to
                                  fix: pf doctor --fix
    warning  group.doctor-lag     group `doctor-lag` is 3 behind on order.created (empty, no members)

    --- stderr
    checking kafka://SERVER/?prefix=&partitions=1
    ");
    shop.raw.remove_before(&name, 0, 4);
    let run = shop.pf.run(&["doctor"]);
    assert_eq!(run.code(), Some(1), "{run}");
    let told = "retention removed 2 records";
    assert!(run.stdout().contains(told), "{run}");
}
