//! Where deliveries that became letters are acknowledged.

use std::{collections::BTreeMap, error::Error};

use async_nats::{RequestError, RequestErrorKind};

use super::{connection::Link, consumer, error, member::DONE};
use crate::transport::{ErrorKind, Result, TransportError};

/// Up to which number consumers had acknowledged everything when they were asked last.
pub(super) type Floors = BTreeMap<String, u64>;

/// Acknowledges the deliveries that became letters, in case that whoever stored the letters could not. Nobody minds a
/// second time, and of a consumer that is gone nothing comes again.
pub(super) async fn acknowledge(
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
        let is_open = |claim: &String, done| number(claim).is_none_or(|number| number > done);
        let known = floors.get(&name).copied().unwrap_or(0);
        claims.retain(|claim| is_open(claim, known));
        if claims.is_empty() {
            continue;
        }
        let done = acknowledged(link, &name).await;
        claims.retain(|claim| is_open(claim, done));
        floors.insert(name, done);
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
        link.confirm(last.into(), DONE).await.or_else(gone)?;
    }
    Ok(())
}

/// Nobody takes acknowledgements for a consumer that is gone, and nothing comes again from it.
fn gone(failed: TransportError) -> Result<()> {
    let source = Error::source(&failed).and_then(|source| source.downcast_ref::<RequestError>());
    match source.map(RequestError::kind) {
        Some(RequestErrorKind::NoResponders) => Ok(()),
        _ => Err(failed),
    }
}

/// Returns up to which number a consumer waits for no acknowledgement, as far as it tells.
async fn acknowledged(link: &Link, name: &str) -> u64 {
    let mut tokens = name.rsplit('.');
    let (consumer, stream) = (tokens.next(), tokens.next());
    let (Some(consumer), Some(stream)) = (consumer, stream) else {
        return 0;
    };
    if stream != link.names.stream {
        return 0;
    }
    match consumer::find(link, consumer).await {
        Ok(Some(durable)) => durable.acknowledged(),
        Ok(None) => u64::MAX,
        Err(_) => 0,
    }
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
