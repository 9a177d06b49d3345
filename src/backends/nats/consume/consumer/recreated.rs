//! A stream or a consumer that was deleted and created again while a group reads.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        connection::{
            consumer::{self, ConsumerInfo},
            stream::{
                info::{self, StreamInfo},
                setup,
            },
        },
        consume::{
            attempts,
            consumer::{
                durable::{self, NewConsumer},
                watch::{GroupWatch, Seen},
            },
            session::Session,
        },
        error::error,
        read::gap::{counted, gap},
    },
    transport::{ErrorKind, Result, StartFrom, SubscribeRequest},
};

/// How long a consumer that was deleted may take to be created again.
const RECREATE_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause between two looks for it.
const PAUSE: Duration = Duration::from_millis(100);

/// What a group reads from now on.
pub(crate) struct Recreated {
    pub(crate) stream: StreamInfo,
    pub(crate) consumer: ConsumerInfo,
    pub(crate) watch: GroupWatch,
    pub(crate) is_other_stream: bool,
}

/// Goes on with what has the name of the stream or the consumer now, and skips none of its messages. None if nothing
/// was replaced.
pub(crate) async fn resume(
    session: &Session,
    watch: &GroupWatch,
    seen: Seen,
) -> Result<Option<Recreated>> {
    let connection = &session.connection;
    let recreated = match seen {
        Seen::Same(..) => return Ok(None),
        Seen::NoConsumer => {
            let consumer = wait_for_consumer(session, watch).await?;
            let stream = info::require(connection).await?;
            other_consumer(session, watch, consumer, stream).await?
        }
        Seen::OtherConsumer(consumer, stream) => {
            other_consumer(session, watch, *consumer, *stream).await?
        }
        Seen::NoStream => {
            let is_wanted = || !session.state().closed;
            let stream = info::wait_for(connection, &connection.names.stream, is_wanted).await?;
            other_stream(session, watch, stream).await?
        }
        Seen::OtherStream(stream) => other_stream(session, watch, *stream).await?,
    };
    Ok(Some(recreated))
}

/// Waits a moment for another process to create the consumer again.
async fn wait_for_consumer(session: &Session, watch: &GroupWatch) -> Result<ConsumerInfo> {
    let name = &watch.consumer;
    let deadline = Instant::now() + RECREATE_TIMEOUT;
    loop {
        match consumer::find(&session.connection, name).await {
            Ok(Some(consumer)) => return Ok(consumer),
            Ok(None) if Instant::now() >= deadline || session.state().closed => {
                let message = format!("the consumer `{name}` was deleted");
                let hint = "after a restart the group reads from the earliest event in the stream";
                return Err(error(ErrorKind::NotFound, message).hint(hint));
            }
            Err(failed) if !failed.is_transient() => return Err(failed),
            Ok(None) | Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn other_consumer(
    session: &Session,
    watch: &GroupWatch,
    consumer: ConsumerInfo,
    stream: StreamInfo,
) -> Result<Recreated> {
    let connection = &session.connection;
    let request = watch.request.clone();
    durable::check(&consumer, &connection.names.stream, &request)?;
    let message = format!(
        "the consumer `{}` was deleted and created again: it starts behind message {}",
        consumer.name,
        consumer.delivered()
    );
    session.report([error(ErrorKind::Warning, message)]);
    Ok(Recreated {
        watch: GroupWatch::begin(connection, request, &stream, &consumer).await?,
        stream,
        consumer,
        is_other_stream: false,
    })
}

async fn other_stream(
    session: &Session,
    watch: &GroupWatch,
    stream: StreamInfo,
) -> Result<Recreated> {
    let connection = &session.connection;
    let unread = watch.unread() + session.state().forget_all();
    let text = format!(
        "the stream `{}` was deleted and created again",
        stream.config.name
    );
    session.report([if unread > 0 {
        let lost = counted(unread);
        gap(format!("{text}: {lost} of the old one were not read"))
    } else {
        let group = &session.group;
        error(
            ErrorKind::Warning,
            format!("{text}: group `{group}` reads it from the beginning"),
        )
    }]);
    setup::create_support_streams(connection, stream.config.num_replicas).await?;
    attempts::delete_all(connection, &session.consumer).await?;
    let request = SubscribeRequest {
        from: StartFrom::Earliest,
        ..watch.request.clone()
    };
    let wanted = NewConsumer {
        name: &watch.consumer,
        filters: &watch.filters,
    };
    let (consumer, _) = durable::create(connection, &stream, &request, wanted).await?;
    session.switch_stream(stream.store());
    Ok(Recreated {
        watch: GroupWatch::begin(connection, request, &stream, &consumer).await?,
        stream,
        consumer,
        is_other_stream: true,
    })
}
