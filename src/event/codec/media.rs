//! Content types.

/// The content type of an event as one JSON object.
pub(in crate::event) const EVENT: &str = "application/cloudevents+json";
/// The content type of an event as one protobuf message.
pub(in crate::event) const PROTOBUF_EVENT: &str = "application/cloudevents+protobuf";
/// The content type of data that are one protobuf message.
pub(in crate::event) const PROTOBUF: &str = "application/protobuf";
/// The content type of JSON data.
pub(in crate::event) const JSON: &str = "application/json";
/// The content type of plain text.
pub(in crate::event) const TEXT: &str = "text/plain";

/// Reports whether the message is one structured event.
pub(in crate::event) fn is_event(content_type: &str) -> bool {
    starts_with(content_type, "application/cloudevents")
}

/// Reports whether the message is one structured event in protobuf.
pub(in crate::event) fn is_protobuf_event(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(PROTOBUF_EVENT)
}

/// Reports whether the message is a batch of events.
pub(in crate::event) fn is_batch(content_type: &str) -> bool {
    starts_with(content_type, "application/cloudevents-batch")
}

/// Reports whether data of this content type is JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let kind = essence(content_type);
    kind.eq_ignore_ascii_case(JSON)
        || kind.eq_ignore_ascii_case("text/json")
        || ends_with(kind, "+json")
}

/// Reports whether data of this content type is one protobuf message.
pub(in crate::event) fn is_protobuf(content_type: &str) -> bool {
    const ALSO: [&str; 3] = [
        "application/x-protobuf",
        "application/vnd.google.protobuf",
        "application/x-google-protobuf",
    ];
    let kind = essence(content_type);
    kind.eq_ignore_ascii_case(PROTOBUF) || ALSO.iter().any(|also| kind.eq_ignore_ascii_case(also))
}

/// Reports whether data of this content type may be protobuf: it says so, or that they are bytes.
#[cfg(feature = "protobuf")]
pub(in crate::event) fn may_be_protobuf(content_type: &str) -> bool {
    is_protobuf(content_type)
        || essence(content_type).eq_ignore_ascii_case("application/octet-stream")
}

/// Reports whether data of this type is text.
pub(in crate::event) fn is_text(content_type: &str) -> bool {
    const ALSO: [&str; 8] = [
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/javascript",
        "application/graphql",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
    ];
    let kind = essence(content_type);
    starts_with(kind, "text/")
        || ends_with(kind, "+xml")
        || ends_with(kind, "+yaml")
        || ALSO.iter().any(|also| kind.eq_ignore_ascii_case(also))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn ends_with(text: &str, suffix: &str) -> bool {
    let start = text.len().checked_sub(suffix.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_parameters_do_not_matter() {
        assert!(is_event("Application/CloudEvents+JSON; charset=utf-8"));
        assert!(is_batch("application/cloudevents-batch+json"));
        assert!(is_json("application/json;charset=utf-8"));
        assert!(is_json("application/Geo+JSON"));
        assert!(!is_json("application/jsonish"));
        assert!(is_protobuf_event(
            "application/CloudEvents+protobuf; charset=x"
        ));
        assert!(!is_protobuf_event("application/cloudevents+json"));
        assert!(is_protobuf("Application/Protobuf;messageType=a.B"));
        assert!(!is_protobuf("application/cloudevents+protobuf"));
        assert!(is_text("text/csv"));
        assert!(is_text("image/svg+xml"));
        assert!(!is_text("application/octet-stream"));
    }
}
