//! Acknowledging the deliveries that became dead letters.

use std::collections::BTreeMap;

use async_nats::Subject;

use crate::{
    backends::nats::connection::{
        ack::{self, ACK},
        consumer,
        handle::Connection,
    },
    transport::Result,
};

/// The sequences up to which consumers had acknowledged everything when they were asked last.
pub(crate) type AckFloors = BTreeMap<String, u64>;

/// Acknowledges deliveries, in case the worker that stored their dead letters crashed before it did. A second
/// acknowledgement does no harm, and a consumer that is gone delivers nothing again.
pub(crate) async fn acknowledge(
    connection: &Connection,
    replies: Vec<String>,
    floors: &mut AckFloors,
) -> Result<()> {
    let mut consumers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reply in replies {
        let name = consumer_of(&reply);
        match consumers.get_mut(name) {
            Some(replies) => replies.push(reply),
            None => drop(consumers.insert(name.to_owned(), vec![reply])),
        }
    }
    for (name, mut replies) in consumers {
        let floor = floors.get(&name).copied().unwrap_or(0);
        retain(
            &mut replies,
            Open {
                above: floor,
                ..Open::ALL
            },
        );
        if replies.is_empty() {
            continue;
        }
        let open = open(connection, &name).await;
        retain(&mut replies, open);
        // A consumer that is gone may be created again.
        if open.above < u64::MAX {
            floors.insert(name.clone(), open.above);
        }
        let Some(last) = replies.last().cloned() else {
            continue;
        };
        let subjects = replies.into_iter().map(Subject::from);
        ack::send(&connection.client, subjects, &ACK).await?;
        // A consumer takes them in order, so that the last one confirms all.
        if let Err(failed) = connection.ack(last.into(), ACK).await {
            if is_gone(connection, &name).await {
                continue;
            }
            if failed.is_transient() && local_consumer(connection, &name).is_some() {
                return Err(failed);
            }
            tracing::warn!(%failed, "the message of a resolved dead letter may be delivered again");
        }
    }
    Ok(())
}

/// The sequences for which a consumer may wait for an acknowledgement.
#[derive(Debug, Clone, Copy)]
struct Open {
    above: u64,
    to: u64,
}

impl Open {
    const ALL: Self = Self {
        above: 0,
        to: u64::MAX,
    };
    const NONE: Self = Self {
        above: u64::MAX,
        to: 0,
    };
}

fn retain(replies: &mut Vec<String>, open: Open) {
    let is_open = |sequence| sequence > open.above && sequence <= open.to;
    replies.retain(|reply| sequence(reply).is_none_or(is_open));
}

/// Returns for which messages a consumer may wait. The server does not answer an acknowledgement of a message that the
/// consumer has not delivered, as is the case if it was created again.
async fn open(connection: &Connection, name: &str) -> Open {
    let Some(consumer) = local_consumer(connection, name) else {
        return Open::ALL;
    };
    match consumer::find(connection, consumer).await {
        Ok(Some(info)) => Open {
            above: info.ack_floor(),
            to: info.delivered(),
        },
        Ok(None) => Open::NONE,
        Err(_) => Open::ALL,
    }
}

/// Reports whether a consumer certainly does not exist: it delivers nothing again.
async fn is_gone(connection: &Connection, name: &str) -> bool {
    match local_consumer(connection, name) {
        Some(consumer) => matches!(consumer::find(connection, consumer).await, Ok(None)),
        None => false,
    }
}

/// Returns the name of a consumer if it reads the stream that the URL names.
fn local_consumer<'a>(connection: &Connection, name: &'a str) -> Option<&'a str> {
    let (rest, consumer) = name.rsplit_once('.')?;
    let stream = rest.rsplit('.').next()?;
    (stream == connection.names.stream).then_some(consumer)
}

/// Returns the sequence of the message in a reply subject.
fn sequence(reply: &str) -> Option<u64> {
    let behind = reply.strip_prefix(consumer_of(reply))?;
    behind.split('.').nth(2)?.parse().ok()
}

/// Returns the part of a reply subject that is the same for all deliveries of a consumer: everything before its last five
/// numbers, and before the token behind them where the server names an account.
fn consumer_of(reply: &str) -> &str {
    let behind = if reply.split('.').count() > 9 { 6 } else { 5 };
    reply.rsplitn(behind + 1, '.').last().unwrap_or(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_subject_names_its_consumer() {
        for (reply, name) in [
            ("$JS.ACK.S.billing.1.2.3.4.5", "$JS.ACK.S.billing"),
            (
                "$JS.ACK._.acc.S.billing.1.2.3.4.5.x",
                "$JS.ACK._.acc.S.billing",
            ),
        ] {
            assert_eq!(consumer_of(reply), name);
            assert_eq!(sequence(reply), Some(2));
        }
    }
}
