//! `pf caps`, `pf doctor` and `pf demo` on streams of every sort.

use insta::assert_snapshot;
use serde_json::json;

use super::shop::Shop;

#[test]
fn a_stream_of_ours_can_do_everything() {
    let shop = Shop::prepared();
    assert_snapshot!(shop.show(&["caps"]), @"
    exit: 0
    --- stdout
    nats (nats-server 2.15.1)
      publish              native    confirmed by JetStream; sent again under the same id
      dedup                native    by message id, for 2m (the stream's duplicate window)
      dedup-handling       emulated  the mark is stored before the acknowledgement; a consumer knows the last 900,000. Copies that two consumers hold at the same moment are both handled, unless each is begun (`at-most-once`)
      delay                native    schedules, at most 0.75 s late
      schedule             native    where the stream allows schedules
      delayed-retry        native    held back by the consumer, also across a restart
      dlq                  emulated  a stream of its own; a dead letter is stored before the original is acknowledged
      exactly-once-replay  native    an atomic batch of the events and the journal
      exactly-once-outbox  native    an atomic batch of the events and the receipt
      replay-to-group      absent    a replay goes to the topic, so every group sees it
      order                emulated  per subject and publisher; a group delivers one key to several consumers
      ordered-retry        absent    JetStream holds back a message, not its key
      groups               native    durable pull consumers
      patterns             native    subject filters
      crash-count          absent    JetStream counts deliveries, not their outcomes
      purge                native
      max payload          1048576 bytes
      max delay            6days 23h 59m 58s
      lateness             [MS]

    --- stderr
    ");
    assert_snapshot!(shop.show(&["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream SHOP holds 0 messages

    --- stderr
    checking nats://SERVER/SHOP
    ");
    let _ = shop
        .pf
        .run(&[
            "caps",
            "--require",
            "delay:native,dlq,exactly-once-replay:native",
        ])
        .succeeded();
}

#[test]
fn a_stream_of_somebody_else_can_do_less() {
    let shop = Shop::plain();
    assert_snapshot!(shop.show(&["caps"]), @"
    exit: 0
    --- stdout
    nats (nats-server 2.15.1)
      publish              native    confirmed by JetStream; sent again under the same id
      dedup                native    by message id, for 2m (the stream's duplicate window)
      dedup-handling       emulated  the mark is stored before the acknowledgement; a consumer knows the last 900,000. Copies that two consumers hold at the same moment are both handled, unless each is begun (`at-most-once`)
      delay                absent    the stream does not allow schedules; `pf doctor --fix` changes the stream
      schedule             absent    the stream does not allow schedules; `pf doctor --fix` changes the stream
      delayed-retry        native    held back by the consumer, also across a restart
      dlq                  emulated  a stream of its own; a dead letter is stored before the original is acknowledged
      exactly-once-replay  emulated  message ids, for 2m after a crash; the stream does not allow atomic batches; `pf doctor --fix` changes the stream
      exactly-once-outbox  emulated  message ids; the stream does not allow atomic batches; `pf doctor --fix` changes the stream
      replay-to-group      absent    a replay goes to the topic, so every group sees it
      order                emulated  per subject and publisher; a group delivers one key to several consumers
      ordered-retry        absent    JetStream holds back a message, not its key
      groups               native    durable pull consumers
      patterns             native    subject filters
      crash-count          absent    JetStream counts deliveries, not their outcomes
      purge                native
      max payload          1048576 bytes
      max delay            6days 23h 59m 58s
      lateness             [MS]

    --- stderr
    ");
    assert_snapshot!(shop.show(&["caps", "--require", "delay"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: `nats` has no delay
    hint: delay is absent: the stream does not allow schedules; `pf doctor --fix` changes the stream
    ");
    assert_snapshot!(shop.show(&["publish", "order", "{}", "--delay", "5s"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: `nats` cannot delay an event
    hint: the stream does not allow schedules; `pf doctor --fix` changes the stream
    ");
}

#[test]
fn a_stream_of_somebody_else_is_mended_when_asked() {
    let shop = Shop::plain();
    let group = json!({"stream_name": "SHOP", "config": {
        "durable_name": "consumer_order", "ack_policy": "explicit", "max_deliver": 3,
        "filter_subject": "SHOP.order",
    }});
    shop.broker
        .ask("$JS.API.CONSUMER.CREATE.SHOP.consumer_order", &group);
    assert_snapshot!(shop.show(&["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream SHOP holds 0 messages
    warning  subjects             the stream has no subjects for schedules and the journal of a replay
                                  fix: pf doctor --fix
    warning  schedules            the stream does not allow schedules, so no event can be delayed; that cannot be undone
                                  fix: pf doctor --fix
    warning  atomic               the stream does not allow atomic batches, so a replay is exactly once only within the duplicate window
                                  fix: pf doctor --fix
    warning  max-deliver.consumer_order the consumer `consumer_order` drops a message after 3 deliveries, including those that were returned; `pf dlq capture` keeps what it drops
                                  fix: nats consumer edit SHOP consumer_order --max-deliver=-1

    --- stderr
    checking nats://SERVER/SHOP
    ");
    assert_snapshot!(shop.show(&["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream SHOP holds 0 messages

    --- stderr
    checking nats://SERVER/SHOP
    fixed subjects
    fixed schedules
    fixed atomic
    fixed max-deliver.consumer_order
    ");
    let _ = shop
        .pf
        .run(&["publish", "order", "{}", "--delay", "5s"])
        .succeeded();
}

#[test]
fn the_story_is_told_on_a_server_again_and_again() {
    let shop = Shop::empty();
    for _ in 0..2 {
        let run = shop.pf.run(&["demo", "--url", &shop.broker.url("SHOP")]);
        let run = run.succeeded();
        assert!(run.stdout().contains("attempt 3: done"), "{run}");
        assert!(run.stdout().contains("1 replayed"), "{run}");
        assert!(run.stdout().contains("Done."), "{run}");
    }
    let left = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    assert_eq!(left.stdout(), "", "no letter is left");
}
