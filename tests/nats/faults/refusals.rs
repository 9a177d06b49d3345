//! Streams that take no more.

use async_nats::jetstream::stream::{Config, DiscardPolicy};

use test_support::{
    nats::{Raw, raw::Stored},
    programs::{count, ids},
    wait::until,
};

use super::world::World;

#[test]
fn a_full_stream_refuses_by_line() {
    const ROOM: usize = 50;
    let world = World::without_stream(&[]);
    world.raw.make(Config {
        max_messages: i64::try_from(ROOM).unwrap(),
        discard: DiscardPolicy::New,
        // The server keeps no schedules where it refuses what is new.
        allow_message_schedules: false,
        ..world.raw.prepared()
    });
    let publishing = world.publish("e", 2 * ROOM, &["--on-error", "continue"]);
    let (status, accepted) = publishing.end();
    assert_eq!(status.code(), Some(4), "partly done");
    let stored: Vec<_> = world.raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("a full stream", &accepted, &stored);
    assert_eq!((accepted.len(), outcome), (ROOM, (0, 0)));
}

#[test]
fn an_event_whose_letter_is_refused_is_not_lost() {
    const COUNT: usize = 20;
    let world = World::new();
    let letters = Raw::new(&world.broker.url(""), "SHOP_DLQ");
    let full = Config {
        name: "SHOP_DLQ".to_owned(),
        subjects: vec!["_pf.dlq.SHOP.>".to_owned()],
        max_messages: 3,
        discard: DiscardPolicy::New,
        allow_direct: true,
        ..Config::default()
    };
    letters.make(full.clone());
    world.fill("e", COUNT);
    let answer = r#""action":"dead_letter","reason":"refused""#;
    let mut consumer = world.consumer(&["--until-end"]);
    let status = consumer.env("ANSWER", answer).status().unwrap();
    assert_eq!(status.code(), Some(1), "it stops with an error");
    let group = world.raw.group("billing").unwrap();
    let left = group.num_pending + group.num_ack_pending as u64;
    assert_eq!(world.raw.letters().len(), 3);
    assert_eq!(left, COUNT as u64 - 3, "the rest is given back");
    letters.change(Config {
        max_messages: -1,
        ..full
    });
    until("all are letters", || {
        let mut consumer = world.consumer(&["--until-end"]);
        consumer.env("ANSWER", answer).status().unwrap();
        world.raw.letters().len() >= COUNT
    });
    let dead: Vec<_> = world.raw.letters().iter().map(Stored::id).collect();
    let outcome = count(
        "letters that were refused at first",
        &ids("e", COUNT),
        &dead,
    );
    assert_eq!(outcome, (0, 0));
}
