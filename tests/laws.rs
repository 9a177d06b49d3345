//! Laws of events that hold for any input: records, encodings, digits, patterns.

#![expect(
    clippy::unwrap_used,
    reason = "a law that cannot be stated has to fail"
)]

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use cloudevents::{AttributesReader, Data, Event};
use proptest::{collection::vec, option, prelude::*};
use protoflow::event::{
    Dialect, Encoding, Envelope, EventBuilder, EventExt as _, Form, HandOver, Headers, Message,
    Mode, Naming, Pattern, Position, Stored, Topic, decode, encode, event, hand_over,
    hand_over_event, parse_record, parse_record_as, validate, write_record,
};
use serde_json::{Value, value::RawValue};

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Bytes::from),
        ".{0,20}".prop_map(Bytes::from),
        Just(Bytes::new()),
    ]
}

/// Payloads that are nearly events: white space, line breaks and stray bytes at any place.
fn payload() -> impl Strategy<Value = Bytes> {
    let event = (number(), "[ \t\r\n]{0,2}", "[ \t\r\n]{0,2}").prop_map(|(number, one, two)| {
        format!(
            "{one}{{\"specversion\":\"1.0\",{two}\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"{one},\
             \"datacontenttype\":\"application/json\",\"n\":\"\\u00e9\",\"data\":{{\"n\":{two}{number}}}}}{two}"
        )
    });
    let torn = (event.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(event, place, byte)| {
            let mut torn = event.into_bytes();
            let place = place.index(torn.len());
            torn[place] = byte;
            Bytes::from(torn)
        },
    );
    prop_oneof![bytes(), event.prop_map(Bytes::from), torn]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        4 => "[a-zA-Z_-]{0,9}|ce_(id|type|source|x)|ce-specversion|content-type".boxed(),
        1 => ".{0,9}".boxed(),
    ];
    vec((name, option::of(bytes())), 0..5).prop_map(|headers| headers.into_iter().collect())
}

fn message() -> impl Strategy<Value = Message> {
    let topic = "[a-z]{1,5}(\\.[a-zA-Z0-9_-]{1,5}){0,2}";
    let parts = (topic, option::of(bytes()), headers(), option::of(payload()));
    parts.prop_map(|(topic, key, headers, payload)| Message {
        topic: topic.parse().unwrap(),
        key,
        headers,
        payload,
    })
}

fn time() -> impl Strategy<Value = SystemTime> {
    (0..253_402_300_800_000_u64).prop_map(|millis| UNIX_EPOCH + Duration::from_millis(millis))
}

/// Numbers as JSON has them; an exponent with its sign, as the decoder writes it.
fn number() -> impl Strategy<Value = String> + Clone {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?(e[+-][0-9]{1,4})?"
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(|text| serde_json::from_str(&text).unwrap()),
        ".{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z\"\\\\]{0,4}", inner), 0..4).prop_map(|members| members
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

fn printable() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,12}"
}

type Set = fn(EventBuilder, String) -> EventBuilder;

fn made() -> impl Strategy<Value = Event> {
    let setters: [Set; 4] = [
        EventBuilder::id,
        EventBuilder::subject,
        EventBuilder::correlation_id,
        |builder, text| builder.extension("ext1", text),
    ];
    let base = vec(option::of(printable()), setters.len()).prop_map(move |texts| {
        let mut builder = event("order.created", "//host/pf?a=%20");
        for (set, text) in setters.into_iter().zip(texts) {
            if let Some(text) = text {
                builder = set(builder, text);
            }
        }
        builder
    });
    let with_data = (base, json(), ".{1,9}", vec(any::<u8>(), 0..9), 0..4);
    with_data.prop_map(|(builder, json, text, bytes, kind)| match kind {
        0 => builder.build().unwrap(),
        1 => builder.data(&json).unwrap().build().unwrap(),
        2 => builder.data_bytes("text/plain", text).build().unwrap(),
        _ => builder.data_bytes("image/png", bytes).build().unwrap(),
    })
}

/// Events that hexa-event's form can hold: the data is JSON or protobuf. It cannot tell the JSON `null` from no data.
fn for_hexa() -> impl Strategy<Value = Event> {
    let texts = vec(option::of(prop_oneof![Just(String::new()), printable()]), 4);
    let user = option::of(prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"_user_type":"x"}"#.to_owned())
    ]);
    let parts = (
        printable(),
        texts,
        user,
        option::of(time()),
        json(),
        vec(any::<u8>(), 0..9),
        0..3,
    );
    parts.prop_map(|(id, texts, user, time, json, bytes, kind)| {
        let mut builder = event("order.created", "//host/pf?a=%20").id(&id);
        let names = ["correlationid", "replyto", "hexalocale", "ext1"];
        let given = names.into_iter().zip(texts).chain([("hexauser", user)]);
        for (name, text) in given {
            // Among them the defaults, which must be told from what an event says.
            if let Some(text) = text {
                let text = if name == "correlationid" && text.len() < 4 {
                    id.clone()
                } else {
                    text
                };
                builder = builder.extension(name, text);
            }
        }
        if let Some(time) = time {
            builder = builder.time(time).subject("té");
        }
        match kind {
            0 => builder.build().unwrap(),
            1 if json != Value::Null => builder.data(&json).unwrap().build().unwrap(),
            _ => builder
                .data_bytes("application/protobuf", bytes)
                .build()
                .unwrap(),
        }
    })
}

fn delivered(attempt: u32, max_attempts: u32, naming: Naming) -> HandOver {
    HandOver {
        dedup_key: None,
        attempt,
        max_attempts,
        naming,
    }
}

fn namings() -> impl Strategy<Value = Naming> {
    prop::sample::select(vec![Naming::CloudEvents, Naming::Protoflow])
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Events with every attribute that is ours, as publishers say them: under either name, as a number or as text.
fn wished() -> impl Strategy<Value = Event> {
    type Set = fn(&mut Event, u32);
    const SETTERS: [Set; 9] = [
        |event, wish| event.set_extension("pfmaxattempts", i64::from(wish)),
        |event, wish| event.set_extension("pf_max_attempts", wish.to_string()),
        |event, _| event.set_extension("pf_correlation_id", "req-2"),
        |event, _| event.set_extension("traceparent", TRACE),
        |event, _| event.set_extension("pf_trace_id", "0af7651916cd43dd8448eb211c80319c"),
        |event, _| event.set_extension("pf_trace_id", "of their own"),
        |event, _| event.set_extension("pf_parent_id", "b7ad6b7169203331"),
        |event, _| event.set_extension("pfeventversion", "3"),
        |event, _| event.set_extension("pf_event_version", "2"),
    ];
    let flags = vec(any::<bool>(), SETTERS.len());
    (made(), flags, 1..9_u32).prop_map(|(mut event, flags, wish)| {
        for (set, _) in SETTERS.iter().zip(flags).filter(|(_, flag)| *flag) {
            set(&mut event, wish);
        }
        event
    })
}

/// Returns the attributes that the next handler sees; binary mode has text for all of them.
fn seen(message: &Message) -> Vec<(String, String)> {
    let line = hand_over(message, &delivered(1, 3, Naming::CloudEvents)).unwrap();
    let event: serde_json::Map<String, Value> = serde_json::from_slice(&line).unwrap();
    let handed = Message::new("t".parse().unwrap(), line);
    validate(&handed).unwrap();
    assert!(
        event
            .keys()
            .all(|name| name == "data_base64" || !name.contains('_'))
    );
    let attributes = event
        .into_iter()
        .filter(|(name, _)| !name.starts_with("data"));
    let text = |value: Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    attributes
        .map(|(name, value)| (name, text(value)))
        .collect()
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop::sample::select(vec![Dialect::Kafka, Dialect::Nats, Dialect::Pulsar])
}

fn encodings() -> impl Strategy<Value = Encoding> {
    let modes = prop::sample::select(vec![Mode::Structured, Mode::Binary, Mode::Protobuf]);
    (modes, dialects()).prop_map(|(mode, dialect)| Encoding {
        mode,
        dialect,
        naming: Naming::CloudEvents,
    })
}

proptest! {
    #[test]
    fn a_record_is_one_line_and_rebuilds_its_message(message in message(), time in time(), dead in any::<bool>()) {
        let stored = Stored { message, position: Position::new("1:2"), time };
        let letter = dead.then_some(&br#"{"id":"abc"}"#[..]);
        let mut line = Vec::new();
        write_record(&mut line, &stored, letter);
        prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
        prop_assert!(serde_json::from_slice::<&RawValue>(&line).is_ok());
        let record = parse_record(&line).unwrap();
        prop_assert_eq!(record.message, stored.message);
        prop_assert_eq!(record.time, Some(stored.time));
        prop_assert!(!record.bare);
        let kept = record.dead_letter.map(|json| json.get().as_bytes().to_vec());
        prop_assert_eq!(kept.as_deref(), letter);
    }

    #[test]
    fn what_reads_as_an_event_is_json_and_can_be_handed_over(message in message()) {
        if let Ok(envelope) = Envelope::read(&message) {
            let line = hand_over(&message, &delivered(1, 3, Naming::CloudEvents)).unwrap();
            let value: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(value["id"].as_str(), Some(envelope.id.as_ref()));
            prop_assert_eq!(&value["pfattempt"], 1);
            if envelope.refused_attribute().is_none() {
                let lawful = |name: &String| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
                prop_assert!(value.as_object().unwrap().keys().filter(|name| *name != "data_base64").all(lawful));
            }
            prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
        }
    }

    #[test]
    fn the_json_that_is_read_is_the_json_that_serde_reads(payload in payload()) {
        let strict = serde_json::from_slice::<&RawValue>(&payload).is_ok();
        let message = Message::new("t".parse().unwrap(), payload);
        match Envelope::read(&message) {
            Ok(_) => prop_assert!(strict),
            Err(error) if error.to_string().starts_with("not valid JSON") => prop_assert!(!strict),
            Err(_) => {}
        }
    }

    #[test]
    fn what_is_encoded_is_valid_and_decodes_to_the_same(event in made(), encoding in encodings()) {
        let message = encode(&event, "order.created".parse().unwrap(), encoding).unwrap();
        validate(&message).unwrap();
        let decoded = decode(&message).unwrap();
        // Empty bytes cannot be told from none at all in binary mode.
        let is_empty = |data: &Data| matches!(data, Data::Binary(bytes) if bytes.is_empty());
        if !event.data().is_some_and(is_empty) {
            prop_assert_eq!(decoded.data(), event.data());
        }
        for (name, value) in event.iter() {
            let found = decoded.iter().find(|(known, _)| *known == name);
            prop_assert_eq!(found.map(|(_, value)| value), Some(value), "{}", name);
        }
        let key = message.key.as_deref().map(|key| std::str::from_utf8(key).unwrap());
        prop_assert_eq!(key, event.subject());
    }

    #[test]
    fn what_is_encoded_for_hexa_event_decodes_to_the_same(event in for_hexa(), dialect in dialects()) {
        let encoding = Encoding { mode: Mode::Hexa, dialect, ..Encoding::default() };
        let message = encode(&event, "other.topic".parse().unwrap(), encoding).unwrap();
        prop_assert_eq!(Envelope::read(&message).unwrap().form, Form::Hexa);
        validate(&message).unwrap();
        let decoded = decode(&message).unwrap();
        prop_assert_eq!(decoded.data(), event.data());
        let attributes = |event: &Event| -> BTreeMap<String, String> {
            event.iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect()
        };
        prop_assert_eq!(attributes(&decoded), attributes(&event));
    }

    #[test]
    fn what_a_handler_passes_on_is_what_it_was_given_without_its_delivery(
        event in wished(), stored in encodings(), again in encodings(), naming in namings(),
        names in [namings(), namings()],
        attempt in 1..9_u32, limit in 1..9_u32,
    ) {
        let (stored, again) = (Encoding { naming: names[0], ..stored }, Encoding { naming: names[1], ..again });
        let original = encode(&event, "order.created".parse().unwrap(), stored).unwrap();
        let with = delivered(attempt, limit, naming);
        let line = hand_over(&original, &with).unwrap();
        let by_command = parse_record_as(&line, again).unwrap().message;
        let handed = hand_over_event(Envelope::read(&original).unwrap(), &with).unwrap();
        prop_assert_eq!((handed.attempt(), handed.max_attempts()), (attempt, Some(limit)));
        let by_function = encode(&handed, "order.created".parse().unwrap(), again).unwrap();
        let wish = Envelope::read(&original).unwrap().max_attempts();
        prop_assert_eq!(wish, event.max_attempts());
        let before = seen(&original);
        for passed_on in [by_command, by_function] {
            let envelope = Envelope::read(&passed_on).unwrap();
            prop_assert_eq!(envelope.max_attempts(), wish);
            for name in ["pfattempt", "pfattemptlimit", "pf_attempt"] {
                prop_assert_eq!(envelope.extension(name), None);
            }
            prop_assert_eq!(seen(&passed_on), before.clone());
        }
    }

    #[test]
    fn numbers_keep_their_digits(number in number(), encoding in encodings()) {
        let topic: Topic = "t".parse().unwrap();
        let line = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{number}}}"#);
        let bare = parse_record(line.as_bytes()).unwrap().message;
        prop_assert_eq!(bare.bytes(), line.as_bytes());
        let again = encode(&decode(&bare).unwrap(), topic, encoding).unwrap();
        for message in [bare, again] {
            let handed = hand_over(&message, &delivered(1, 3, Naming::CloudEvents)).unwrap();
            let handed = String::from_utf8(handed).unwrap();
            let data = format!(",\"data\":{number}}}");
            prop_assert!(handed.ends_with(&data), "{}", handed);
        }
    }

    #[test]
    fn patterns_stand_for_whole_tokens(tokens in vec("[a-z]{1,3}", 1..5), at in any::<prop::sample::Index>()) {
        let topic: Topic = tokens.join(".").parse().unwrap();
        let matches = |pattern: &str| pattern.parse::<Pattern>().unwrap().matches(&topic);
        prop_assert!(Pattern::all().matches(&topic));
        prop_assert!(Pattern::from(topic.clone()).matches(&topic));
        prop_assert_eq!(Pattern::from(topic.clone()).literal(), Some(topic.clone()));
        let at = at.index(tokens.len());
        let mut starred = tokens.clone();
        starred[at] = "*".to_owned();
        prop_assert!(matches(&starred.join(".")));
        for rest in ["**", ">"] {
            let mut open = tokens[..at].to_vec();
            open.push(rest.to_owned());
            prop_assert!(matches(&open.join(".")));
            let beyond = format!("{topic}.{rest}");
            prop_assert!(!matches(&beyond));
        }
    }
}
