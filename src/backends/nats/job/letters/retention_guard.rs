//! Dead letters that are not replayed because the stream would confirm their events and drop them.

use std::collections::{HashMap, HashSet};

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            stream::{
                coverage,
                info::{self, StreamInfo},
                retention::Retention,
            },
        },
        job::{entry::JobEntry, letters::load::JobItem},
    },
    event::Topic,
    transport::{DeadLetterId, Resolution, Result, TransportError},
};

/// Marks the dead letters whose events would be dropped, and returns whether the others are kept only as long as a consumer
/// covers them. The stream is read in each step, as its consumers may change.
pub(crate) async fn refuse(connection: &Connection, items: &mut [JobItem]) -> Result<bool> {
    let Some(info) = info::find(connection, &connection.names.stream).await? else {
        return Ok(false);
    };
    let retention = Retention::of(connection, &info).await?;
    let mut known: HashMap<Topic, Option<String>> = HashMap::new();
    for item in items {
        let (Some(letter), None) = (&item.letter, &item.refused) else {
            continue;
        };
        let (topic, bytes) = (&letter.message.topic, letter.message.bytes().len());
        if !known.contains_key(topic) {
            let why = why_not(connection, &info, &retention, topic).await?;
            known.insert(topic.clone(), why);
        }
        let whole = known.get(topic).cloned().flatten();
        item.refused = whole.or_else(|| retention.too_large(bytes).as_ref().map(reason));
    }
    Ok(retention.needs_consumer())
}

/// Returns why events of a topic would be dropped, if so.
async fn why_not(
    connection: &Connection,
    info: &StreamInfo,
    retention: &Retention,
    topic: &Topic,
) -> Result<Option<String>> {
    // A topic without a valid subject is refused when the event is encoded.
    let Ok(subject) = connection.names.subject(topic) else {
        return Ok(None);
    };
    let why = if let Some(refused) = info.read_only() {
        Some(refused)
    } else if info.covers(&subject) {
        let unconfirmed = retention.unconfirmed();
        unconfirmed.or_else(|| retention.without_consumer(&connection.names, &subject))
    } else {
        Some(coverage::not_stored(connection, &subject, Some(&info.config.name)).await)
    };
    match why {
        Some(why) if why.is_transient() => Err(why),
        why => Ok(why.as_ref().map(reason)),
    }
}

fn reason(why: &TransportError) -> String {
    match why.advice() {
        Some(advice) => format!("{why}; {advice}"),
        None => why.to_string(),
    }
}

/// The topics of dead letters that are replayed, where a consumer still has to exist when all are.
pub(crate) struct NeedsConsumer(HashMap<DeadLetterId, Topic>);

impl NeedsConsumer {
    /// Notes the dead letters that are about to be replayed, if they need a consumer.
    pub(crate) fn of(items: &[JobItem], needs_consumer: bool) -> Self {
        if !needs_consumer {
            return Self(HashMap::new());
        }
        let published = items.iter().filter(|item| item.refused.is_none());
        let topic = |item: &JobItem| {
            let letter = item.letter.as_ref()?;
            Some((letter.id.clone(), letter.message.topic.clone()))
        };
        Self(published.filter_map(topic).collect())
    }

    /// Changes the outcome of dead letters whose consumer was deleted since it was checked to unknown.
    pub(crate) async fn check(
        self,
        connection: &Connection,
        outcomes: &mut [(JobEntry, Resolution)],
    ) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let info = info::require(connection).await?;
        let retention = Retention::of(connection, &info).await?;
        let topics: HashSet<&Topic> = self.0.values().collect();
        let is_uncovered = |topic: &&Topic| {
            let subject = connection.names.subject(topic);
            subject.is_ok_and(|subject| {
                retention
                    .without_consumer(&connection.names, &subject)
                    .is_some()
            })
        };
        let uncovered: HashSet<&Topic> = topics.into_iter().filter(is_uncovered).collect();
        for (entry, outcome) in outcomes {
            let topic = self.0.get(&entry.id);
            if *outcome == Resolution::Done && topic.is_some_and(|topic| uncovered.contains(topic))
            {
                let reason =
                    "its consumer was deleted meanwhile, so the stream may have dropped it";
                *outcome = Resolution::Ambiguous {
                    reason: reason.to_owned(),
                };
            }
        }
        Ok(())
    }
}
