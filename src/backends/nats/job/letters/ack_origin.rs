//! Where deliveries that became letters are acknowledged.

use std::collections::BTreeMap;

use crate::{
    backends::nats::{
        connection::handle::Link,
        consume::{consumer::durable as consumer, subscription::DONE},
        error::error,
    },
    transport::{ErrorKind, Result},
};

/// Up to which number consumers had acknowledged everything when they were asked last.
pub(crate) type Floors = BTreeMap<String, u64>;

/// Acknowledges the deliveries that became letters, in case that whoever stored the letters could not. Nobody minds a
/// second time, and of a consumer that is gone nothing comes again.
pub(crate) async fn acknowledge(
    link: &Link,
    claims: Vec<String>,
    floors: &mut Floors,
) -> Result<()> {
    let mut consumers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for claim in claims {
        let name = consumer_of(&claim);
        match consumers.get_mut(name) {
            Some(claims) => claims.push(claim),
            None => drop(consumers.insert(name.to_owned(), vec![claim])),
        }
    }
    for (name, mut claims) in consumers {
        let floor = floors.get(&name).copied().unwrap_or(0);
        retain(&mut claims, (floor, u64::MAX));
        if claims.is_empty() {
            continue;
        }
        let open = open(link, &name).await;
        retain(&mut claims, open);
        // One that is gone may be made anew.
        if open.0 < u64::MAX {
            floors.insert(name.clone(), open.0);
        }
        let Some(last) = claims.last().cloned() else {
            continue;
        };
        for claim in claims {
            let sent = link.client.publish(claim, DONE).await;
            sent.map_err(|source| {
                error(ErrorKind::Unavailable, "the connection is closed").because(source)
            })?;
        }
        // A consumer takes them in order, so the last one tells.
        if let Err(failed) = link.confirm(last.into(), DONE).await {
            if is_gone(link, &name).await {
                continue;
            }
            if failed.is_transient() && own(link, &name).is_some() {
                return Err(failed);
            }
            tracing::warn!(%failed, "the message of a letter that was dealt with may come again");
        }
    }
    Ok(())
}

/// Numbers of messages for which a consumer may wait: those above the first, up to the second.
type Open = (u64, u64);

fn retain(claims: &mut Vec<String>, (above, to): Open) {
    let is_open = |number| number > above && number <= to;
    claims.retain(|claim| number(claim).is_none_or(is_open));
}

/// Returns for which messages a consumer may wait, as far as it tells. To an acknowledgement of one that it has not
/// delivered, as it was made anew, the server does not answer.
async fn open(link: &Link, name: &str) -> Open {
    let Some(consumer) = own(link, name) else {
        return (0, u64::MAX);
    };
    match consumer::find(link, consumer).await {
        Ok(Some(durable)) => (durable.acknowledged(), durable.delivered()),
        Ok(None) => (u64::MAX, 0),
        Err(_) => (0, u64::MAX),
    }
}

/// Reports whether a consumer is surely gone: nothing comes again from it.
async fn is_gone(link: &Link, name: &str) -> bool {
    match own(link, name) {
        Some(consumer) => matches!(consumer::find(link, consumer).await, Ok(None)),
        None => false,
    }
}

/// Returns the name of a consumer of our stream.
fn own<'a>(link: &Link, name: &'a str) -> Option<&'a str> {
    let (rest, consumer) = name.rsplit_once('.')?;
    let stream = rest.rsplit('.').next()?;
    (stream == link.names.stream).then_some(consumer)
}

/// Returns the number of the message in a claim.
fn number(claim: &str) -> Option<u64> {
    let behind = claim.strip_prefix(consumer_of(claim))?;
    behind.split('.').nth(2)?.parse().ok()
}

/// Returns the part of a claim that is the same for all of a consumer: what stands before its last five numbers, and
/// the mark behind them where the server names an account.
fn consumer_of(claim: &str) -> &str {
    let behind = if claim.split('.').count() > 9 { 6 } else { 5 };
    claim.rsplitn(behind + 1, '.').last().unwrap_or(claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_its_consumer() {
        for (claim, name) in [
            ("$JS.ACK.S.billing.1.2.3.4.5", "$JS.ACK.S.billing"),
            (
                "$JS.ACK._.acc.S.billing.1.2.3.4.5.x",
                "$JS.ACK._.acc.S.billing",
            ),
        ] {
            assert_eq!(consumer_of(claim), name);
            assert_eq!(number(claim), Some(2));
        }
    }
}
