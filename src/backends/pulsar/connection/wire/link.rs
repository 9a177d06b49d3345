//! A connection to one broker: a task reads, a task writes, and both end with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{codec::Framed, task::AbortOnDropHandle};

use super::{
    commands,
    routes::{ConsumerEvent, ProducerEvent, Routes},
    socket::{self, Socket},
};
use crate::{
    backends::pulsar::{
        codec::protocol::{BaseCommand, Frame, FrameCodec, Payload},
        connection::config::Config,
        error::{connection_lost, no_answer},
    },
    lock::Mutex,
    transport::{Result, TransportError},
};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// A connection that is silent for this long is asked whether it is alive, and is lost after the same time again.
const SILENCE: Duration = Duration::from_secs(10);
/// The limit of a broker that does not state one.
const DEFAULT_LIMIT: usize = 5 << 20;
/// Commands that are written with one call of the system, at most.
const WRITTEN_AT_ONCE: usize = 256;

/// A connection to a broker.
#[derive(Debug)]
pub(crate) struct Link {
    outbound: mpsc::UnboundedSender<Frame>,
    routes: Arc<Mutex<Routes>>,
    next_id: AtomicU64,
    /// The most bytes of a message with its metadata.
    pub(crate) max_message_size: usize,
    /// The version of the broker as it states it.
    pub(crate) server_version: String,
    _tasks: [AbortOnDropHandle<()>; 2],
}

type Frames = Framed<Socket, FrameCodec>;

impl Link {
    /// Connects to a server, `host:port`; through a proxy, to the broker of this address.
    pub(crate) async fn open(
        config: &Config,
        server: &str,
        behind_proxy: Option<&str>,
    ) -> Result<Self> {
        let token = socket::token(config)?;
        let (frames, greeting) =
            socket::connect(config, server, token.as_deref(), behind_proxy).await?;
        let (sink, stream) = frames.split();
        let routes = Arc::new(Mutex::new(Routes::default()));
        let (outbound, queue) = mpsc::unbounded_channel();
        let reader = Reader {
            stream,
            routes: Arc::clone(&routes),
            outbound: outbound.clone(),
            token,
        };
        let writer = write(sink, queue, Arc::clone(&routes));
        let limit = greeting
            .max_message_size
            .and_then(|size| size.try_into().ok());
        Ok(Self {
            outbound,
            routes,
            next_id: AtomicU64::new(1),
            max_message_size: limit.filter(|size| *size > 0).unwrap_or(DEFAULT_LIMIT),
            // Brokers write `Pulsar Server4.0.7`.
            server_version: greeting.server_version.replacen("Server", "", 1),
            _tasks: [
                AbortOnDropHandle::new(tokio::spawn(reader.run())),
                AbortOnDropHandle::new(tokio::spawn(writer)),
            ],
        })
    }

    /// Returns a number that no request, producer or consumer of this connection has.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Reports whether the connection ended.
    pub(crate) fn is_lost(&self) -> bool {
        self.routes.lock().lost.is_some()
    }

    /// Sends a request under a new number, and returns its answer.
    pub(crate) async fn request(
        &self,
        command: impl FnOnce(u64) -> BaseCommand,
    ) -> Result<BaseCommand> {
        let id = self.next_id();
        let answer = self.begin_request(id, command(id))?;
        match timeout(ANSWER, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(connection_lost("it was closed")),
            Err(_) => {
                self.routes.lock().requests.remove(&id);
                Err(no_answer())
            }
        }
    }

    /// Sends a request, and returns where its answer will arrive.
    pub(crate) fn begin_request(
        &self,
        id: u64,
        command: BaseCommand,
    ) -> Result<oneshot::Receiver<Result<BaseCommand>>> {
        let (sender, answer) = oneshot::channel();
        let mut routes = self.routes.lock();
        if let Some(lost) = &routes.lost {
            return Err(lost.clone());
        }
        routes.requests.insert(id, sender);
        drop(routes);
        self.send(command, None);
        Ok(answer)
    }

    /// Sends a command without an answer. Over a lost connection nothing is sent; its producers and consumers learn that.
    pub(crate) fn send(&self, command: BaseCommand, payload: Option<Payload>) {
        let _ = self.outbound.send(Frame { command, payload });
    }

    /// Registers a producer.
    pub(crate) fn add_producer(&self, id: u64) -> mpsc::UnboundedReceiver<ProducerEvent> {
        let (sender, events) = mpsc::unbounded_channel();
        let mut routes = self.routes.lock();
        if let Some(lost) = &routes.lost {
            let _ = sender.send(ProducerEvent::Closed(lost.clone()));
        } else {
            routes.producers.insert(id, sender);
        }
        events
    }

    /// Registers a consumer.
    pub(crate) fn add_consumer(&self, id: u64) -> mpsc::UnboundedReceiver<ConsumerEvent> {
        let (sender, events) = mpsc::unbounded_channel();
        let mut routes = self.routes.lock();
        if let Some(lost) = &routes.lost {
            let _ = sender.send(ConsumerEvent::Closed(lost.clone()));
        } else {
            routes.consumers.insert(id, sender);
        }
        events
    }

    /// Forgets a producer.
    pub(crate) fn remove_producer(&self, id: u64) {
        self.routes.lock().producers.remove(&id);
    }

    /// Forgets a consumer.
    pub(crate) fn remove_consumer(&self, id: u64) {
        self.routes.lock().consumers.remove(&id);
    }
}

struct Reader {
    stream: SplitStream<Frames>,
    routes: Arc<Mutex<Routes>>,
    outbound: mpsc::UnboundedSender<Frame>,
    token: Option<String>,
}

impl Reader {
    async fn run(mut self) {
        let why = self.read().await;
        self.routes.lock().lose(&why);
    }

    async fn read(&mut self) -> TransportError {
        let mut is_asked = false;
        loop {
            match timeout(SILENCE, self.stream.next()).await {
                Ok(Some(Ok(message))) => self.take(message),
                Ok(Some(Err(source))) => return connection_lost("it failed").because(source),
                Ok(None) => return connection_lost("the broker closed it"),
                Err(_) if is_asked => return connection_lost("the broker does not answer"),
                Err(_) => {
                    self.answer(commands::ping());
                    is_asked = true;
                    continue;
                }
            }
            is_asked = false;
        }
    }

    fn take(&self, Frame { command, payload }: Frame) {
        if command.ping.is_some() {
            self.answer(commands::pong());
        } else if command.auth_challenge.is_some() {
            self.answer(commands::auth_response(self.token.as_deref()));
        } else {
            self.routes.lock().dispatch(command, payload);
        }
    }

    fn answer(&self, command: BaseCommand) {
        let payload = None;
        let _ = self.outbound.send(Frame { command, payload });
    }
}

async fn write(
    mut sink: SplitSink<Frames, Frame>,
    mut queue: mpsc::UnboundedReceiver<Frame>,
    routes: Arc<Mutex<Routes>>,
) {
    let mut batch = Vec::with_capacity(WRITTEN_AT_ONCE);
    while queue.recv_many(&mut batch, WRITTEN_AT_ONCE).await > 0 {
        let mut written = Ok(());
        for message in batch.drain(..) {
            written = written.and(sink.feed(message).await);
        }
        if let Err(source) = written.and(sink.flush().await) {
            routes
                .lock()
                .lose(&connection_lost("it failed").because(source));
            return;
        }
    }
}
