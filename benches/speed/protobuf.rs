//! Data in protobuf as JSON and back, beside prost-reflect alone.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protoflow::event::{
    Encoding, Envelope, Message, Mode, encode, event,
    protobuf::{SchemaFiles, Schemas},
};
use serde::de::DeserializeSeed as _;

use crate::{
    Plan, events,
    rounds::{Target, compare},
};

const ORDER: &str = r#"syntax = "proto3";
package shop.v1;
message Order {
  string id = 1;
  int64 total = 2;
  repeated Item items = 3;
  map<string, string> labels = 4;
}
message Item { string sku = 1; int32 count = 2; }
"#;

/// The schema on both sides.
struct Schema {
    ours: Schemas,
    raw: MessageDescriptor,
}

impl Schema {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.proto");
        std::fs::write(&path, ORDER).unwrap();
        let files = SchemaFiles {
            sources: vec![path.clone()],
            messages: vec!["shop.v1.Order".parse().unwrap()],
            ..SchemaFiles::default()
        };
        let set = protox::compile([&path], [folder.path()]).unwrap();
        let pool = DescriptorPool::from_file_descriptor_set(set).unwrap();
        Self {
            ours: files.load().unwrap(),
            raw: pool.get_message_by_name("shop.v1.Order").unwrap(),
        }
    }
}

fn json(number: usize) -> String {
    format!(
        r#"{{"id":"{number:011}","total":"12950","items":[{{"sku":"a-1","count":2}},{{"sku":"b-2","count":1}}],"labels":{{"channel":"web","campaign":"winter"}}}}"#
    )
}

fn message(json: String, mode: Mode) -> Message {
    let draft = event(events::TOPIC, "/shop/checkout").data_json(json);
    let encoding = Encoding {
        mode,
        ..Encoding::default()
    };
    let topic = events::TOPIC.parse().unwrap();
    encode(&draft.build().unwrap(), topic, encoding).unwrap()
}

fn timed<T>(all: &[T], mut each: impl FnMut(&T)) -> Duration {
    let started = Instant::now();
    all.iter().for_each(&mut each);
    started.elapsed()
}

/// What `tail` and handlers get.
pub fn to_json(plan: &Plan) {
    let schema = Schema::new();
    let encoding = Encoding {
        mode: Mode::Binary,
        ..Encoding::default()
    };
    let stored = (0..plan.events).map(|number| {
        let message = message(json(number), Mode::Binary);
        let encoded = schema.ours.encode(&message, encoding);
        encoded.unwrap().unwrap()
    });
    let stored: Vec<Message> = stored.collect();
    let ours = |_| {
        timed(&stored, |message| {
            let envelope = Envelope::read(message).unwrap();
            let decoded = schema.ours.decode(&message.topic, &envelope);
            black_box(decoded.unwrap().unwrap());
        })
    };
    let raw = |_| {
        timed(&stored, |message| {
            let decoded = DynamicMessage::decode(schema.raw.clone(), message.bytes());
            black_box(serde_json::to_string(&decoded.unwrap()).unwrap());
        })
    };
    compare(
        "protobuf to JSON",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// What `pf publish` does.
pub fn from_json(plan: &Plan) {
    let schema = Schema::new();
    let texts: Vec<String> = (0..plan.events).map(json).collect();
    let written: Vec<Message> = texts
        .iter()
        .map(|text| message(text.clone(), Mode::Binary))
        .collect();
    let encoding = Encoding {
        mode: Mode::Binary,
        ..Encoding::default()
    };
    let ours = |_| {
        timed(&written, |message| {
            let encoded = schema.ours.encode(message, encoding);
            black_box(encoded.unwrap().unwrap());
        })
    };
    let raw = |_| {
        timed(&texts, |text| {
            let mut reader = serde_json::Deserializer::from_str(text);
            let read: DynamicMessage = schema.raw.clone().deserialize(&mut reader).unwrap();
            black_box(prost::Message::encode_to_vec(&read));
        })
    };
    compare(
        "JSON to protobuf",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
