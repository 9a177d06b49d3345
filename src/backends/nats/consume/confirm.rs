//! Confirming acknowledgements. They are sent without waiting for an answer; a task asks for that of the last one, which
//! stands for all before it.

use std::{sync::Arc, time::Duration};

use async_nats::Subject;
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        connection::{
            ack::ACK,
            consumer,
            retry::{self, Attempt},
        },
        consume::session::Session,
        error::error,
    },
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// How long acknowledgements are collected before the last of them is confirmed.
const COLLECT: Duration = Duration::from_millis(20);

/// Confirms acknowledgements as they are sent, until it is dropped.
pub(crate) async fn confirm_until_dropped(session: Arc<Session>) {
    loop {
        session.acknowledged.notified().await;
        sleep(COLLECT).await;
        match confirm(&session).await {
            // Without acknowledgements every message would be handled again and again.
            Err(failed) if failed.kind() == ErrorKind::Denied => session.fail(failed),
            Err(failed) => {
                tracing::warn!(%failed, "acknowledgements are not confirmed; their messages may be delivered again");
            }
            Ok(()) => {}
        }
    }
}

/// Waits until every acknowledgement so far is confirmed. Where that fails they are kept, to be confirmed, or reported, when
/// the subscription is closed: the caller may have no way to fail.
pub(crate) async fn confirm(session: &Session) -> Result<()> {
    let _turn = session.confirming.lock().await;
    let (replies, incarnation) = {
        let mut state = session.state();
        (
            std::mem::take(&mut state.unconfirmed),
            session.incarnation(),
        )
    };
    let confirmed = confirm_all(session, &replies, incarnation).await;
    if confirmed.is_err() {
        let mut state = session.state();
        // In another stream under the name these sequences would be other messages.
        if session.incarnation() == incarnation {
            state.unconfirmed.splice(0..0, replies);
        }
    }
    confirmed
}

/// Reports whether the consumer is gone, so that nothing can be acknowledged.
async fn is_gone(session: &Session) -> bool {
    match consumer::find(&session.connection, &session.consumer).await {
        Ok(found) => found.is_none(),
        Err(failed) => failed.kind() == ErrorKind::NotFound,
    }
}

/// Waits until acknowledgements are confirmed. The server takes them in order, so that the last one is enough. If its
/// answer is lost, all of them are sent again. They are of the stream that had this incarnation of the name.
pub(crate) async fn confirm_all(
    session: &Session,
    replies: &[Subject],
    incarnation: u64,
) -> Result<()> {
    let Some((last, replies)) = replies.split_last() else {
        return Ok(());
    };
    let deadline = Instant::now() + session.lease;
    let confirmed = retry::attempts(deadline, |unanswered: Option<TransportError>| async move {
        if session.incarnation() != incarnation {
            // These sequences are other messages now.
            return Attempt::Final(Ok(()));
        }
        if unanswered.is_some()
            && let Err(failed) = session.send_acks(replies.iter().cloned(), &ACK).await
        {
            return Attempt::Final(Err(failed));
        }
        match session.connection.ack(last.clone(), ACK).await {
            Err(failed) if failed.is_transient() => {
                // The lease is over: the server redelivers, and a look at the consumer would take long for nothing.
                if Instant::now() >= deadline {
                    return Attempt::Final(Err(failed));
                }
                if is_gone(session).await {
                    let message = format!("the consumer `{}` is gone", session.consumer);
                    return Attempt::Final(Err(error(ErrorKind::NotFound, message)));
                }
                session.connection.reconnect(deadline, failed).await
            }
            Err(failed) => Attempt::Final(Err(failed)),
            Ok(()) => {
                failpoint::reach("nats.acks_confirmed");
                Attempt::Final(Ok(()))
            }
        }
    });
    confirmed.await
}
