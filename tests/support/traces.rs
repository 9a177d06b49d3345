//! A stand-in for an OpenTelemetry collector, and the trace of an event through two handlers, the same on every transport.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;

use crate::harness::Pf;

/// Takes spans over HTTP, as OTLP in protobuf.
pub struct Collector {
    url: String,
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::default();
        let taken = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                take(stream.unwrap(), &taken);
            }
        });
        Self { url, requests }
    }

    /// Returns its endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns what it has received.
    pub fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the spans that it has received.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.requests().into_iter();
        let resources = requests.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

fn take(mut stream: TcpStream, taken: &Mutex<Vec<ExportTraceServiceRequest>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut headers) = (String::new(), HashMap::new());
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("POST /v1/traces HTTP/1."), "{line}");
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    taken.lock().unwrap().push(request);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
}

/// Runs a command that sends its spans to an endpoint.
pub fn run(pf: &Pf, endpoint: &str, args: &[&str]) -> Output {
    let mut command = pf.command(args);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.stdin(Stdio::null()).output().unwrap()
}

fn succeeds(pf: &Pf, collector: &Collector, args: &[&str]) {
    let output = run(pf, collector.url(), args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}

/// Returns an attribute as text.
pub fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|one| one.key == name);
    let value = found.and_then(|one| one.value.as_ref()?.value.as_ref());
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Publishes an event, handles it with a command that emits another one, and handles that: one trace.
pub fn check(pf: &Pf, system: &str) {
    let collector = Collector::start();
    let publish = ["publish", "order.created", r#"{"total":80}"#, "--id", "o1"];
    succeeds(pf, &collector, &[&publish[..], &["--create"]].concat());
    let emit =
        r#"echo "{\"type\":\"order.paid\",\"id\":\"p1\",\"data\":{\"by\":\"$TRACEPARENT\"}}""#;
    let consume = |topic: &'static str, group: &'static str| {
        [
            "consume",
            topic,
            "--group",
            group,
            "--create",
            "--until-end",
        ]
    };
    let billing = consume("order.created", "billing");
    let emits = ["--emit", "--", "sh", "-c", emit];
    succeeds(pf, &collector, &[&billing[..], &emits].concat());
    let shipping = consume("order.paid", "shipping");
    succeeds(pf, &collector, &[&shipping[..], &["--", "true"]].concat());

    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    let wanted = [
        "send order.created",
        "create order.paid",
        "process order.created",
        "process order.paid",
    ];
    assert_eq!(names, wanted);
    let [send, create, process, last] = &spans[..] else {
        panic!("{names:?}")
    };
    assert!(send.parent_span_id.is_empty());
    for (span, parent) in [(process, send), (create, process), (last, create)] {
        assert_eq!(span.trace_id, send.trace_id, "{}", span.name);
        assert_eq!(span.parent_span_id, parent.span_id, "{}", span.name);
    }
    for (run, producer) in [(process, send), (last, create)] {
        let links: Vec<_> = run.links.iter().map(|link| &link.span_id).collect();
        assert_eq!(links, [&producer.span_id], "{}", run.name);
        assert_eq!(run.links[0].trace_id, send.trace_id);
        assert_eq!(run.kind, 5, "a consumer");
        assert_eq!(producer.kind, 4, "a producer");
    }
    let attributes = [
        ("messaging.system", system),
        ("messaging.operation.type", "process"),
        ("messaging.operation.name", "process"),
        ("messaging.destination.name", "order.created"),
        ("messaging.consumer.group.name", "billing"),
        ("messaging.message.id", "o1"),
    ];
    for (name, value) in attributes {
        assert_eq!(attribute(process, name), value, "{name}");
    }
    assert_eq!(attribute(create, "messaging.message.id"), "p1");
    assert_eq!(attribute(send, "messaging.operation.type"), "send");
    is_stored(pf, process, create);
}

/// The emitted event says which run its command was part of, and carries the span that created it.
fn is_stored(pf: &Pf, process: &Span, create: &Span) {
    let tail = ["tail", "order.paid", "--until-end", "-o", "json"];
    let stored = pf.run(&tail).succeeded().json();
    let event = &stored[0]["event"];
    let carried = |span: &Span| {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
    };
    assert_eq!(event["traceparent"], carried(create).as_str());
    assert_eq!(event["data"]["by"], carried(process).as_str());
}
