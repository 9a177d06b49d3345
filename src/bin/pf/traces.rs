//! Spans sent to an OTLP endpoint, as the variables of OpenTelemetry say: in batches by a thread of their own. While the endpoint is
//! away, spans are dropped; nothing waits for it but the end of the process, for a bounded time.

use std::{
    env,
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    sync::OnceLock,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use protoflow::runtime::SPAN_TARGET;
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::error::{CliError, CliResult};

/// How long the end of the process waits for the last spans to be sent.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// How long the endpoint may take, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const LARGEST: u64 = 64 << 10;

/// The variables that name an endpoint.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// Set while spans are sent.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Returns what takes spans, if a variable names an endpoint.
///
/// # Errors
/// If it is not the URL of an endpoint.
pub fn layer<S>() -> CliResult<Option<impl Layer<S>>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(endpoint) = endpoint() else {
        return Ok(None);
    };
    if !endpoint.starts_with("http://") {
        let text = format!("`{endpoint}` is not an OTLP endpoint that spans can be sent to");
        return Err(CliError::configuration(text).hint(
            "use `http://HOST:4318` of a collector; one beside `pf` sends them on with TLS",
        ));
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client { timeout: timeout() })
        .build()
        .map_err(|error| CliError::configuration(format!("spans cannot be sent: {error}")))?;
    let mut resource = Resource::builder();
    if !is_named() {
        resource = resource.with_service_name("pf");
    }
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer("protoflow");
    // Set once: the log starts once.
    let _ = PROVIDER.set(provider);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let is_ours = filter_fn(|metadata| metadata.target() == SPAN_TARGET);
    Ok(Some(layer.with_filter(is_ours)))
}

/// Sends the last spans, if it takes no longer than a moment.
pub fn finish() {
    if let Some(provider) = PROVIDER.get() {
        // Spans that an endpoint does not take are lost.
        let _ = provider.shutdown_with_timeout(LAST_WAIT);
    }
}

fn endpoint() -> Option<String> {
    let is = |name: &str, word: &str| {
        variable(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
        return None;
    }
    ENDPOINTS.into_iter().find_map(variable)
}

/// Returns the value of a variable; an empty one counts as unset.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_named() -> bool {
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    variable("OTEL_SERVICE_NAME").is_some() || attributes.contains("service.name=")
}

fn timeout() -> Duration {
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ];
    let millis = names.into_iter().find_map(variable);
    let millis = millis.and_then(|millis| millis.parse().ok());
    millis.map_or(TIMEOUT, Duration::from_millis)
}

/// Sends requests one after the other, and blocks meanwhile: on the thread of the batches.
#[derive(Debug)]
struct Client {
    timeout: Duration,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.post(&request)
    }
}

impl Client {
    fn post(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let host = uri.host().ok_or("the endpoint has no host")?;
        let port = uri.port_u16().unwrap_or(80);
        let mut addresses = (host.trim_matches(['[', ']']), port).to_socket_addrs()?;
        let address = addresses.next().ok_or("the host has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, self.timeout)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let body = request.body();
        // HTTP 1.0: the answer ends with the connection.
        let mut head = format!(
            "{} {path} HTTP/1.0\r\nHost: {host}:{port}\r\nContent-Length: {}\r\n",
            request.method(),
            body.len()
        );
        for (name, value) in request.headers() {
            write!(head, "{name}: {}\r\n", value.to_str()?)?;
        }
        head += "\r\n";
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer)?;
        let split = answer.windows(4).position(|end| end == b"\r\n\r\n");
        let split = split.ok_or("the endpoint did not answer")?;
        let head = String::from_utf8_lossy(&answer[..split]);
        let status = head
            .split(' ')
            .nth(1)
            .ok_or("the endpoint did not answer")?;
        let body = Bytes::copy_from_slice(&answer[split + 4..]);
        let response = Response::builder().status(status.parse::<u16>()?);
        Ok(response.body(body)?)
    }
}
