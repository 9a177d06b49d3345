//! Letters that stay as they are because the stream would confirm their events and not keep them.

use std::collections::{HashMap, HashSet};

use crate::{
    backends::nats::{
        connection::{
            handle::Link,
            stream::{info::Facts, retention::Keeping},
        },
        job::{letters::load::Item, lifecycle::Entry},
    },
    event::Topic,
    transport::{LetterId, Resolution, Result, TransportError},
};

/// Marks the letters whose events would not be kept, and returns whether the others are only while they have a
/// consumer. The stream is looked at each time: who reads it may change.
pub(crate) async fn refuse(link: &Link, items: &mut [Item]) -> Result<bool> {
    let Some(facts) = link.find_stream(&link.names.stream).await? else {
        return Ok(false);
    };
    let keeping = Keeping::of(link, &facts).await?;
    let mut known: HashMap<Topic, Option<String>> = HashMap::new();
    for item in items {
        let Some(letter) = &item.letter else {
            continue;
        };
        let (topic, bytes) = (&letter.message.topic, letter.message.bytes().len());
        if !known.contains_key(topic) {
            let why = why_not(link, (&facts, &keeping), topic).await?;
            known.insert(topic.clone(), why);
        }
        let whole = known.get(topic).cloned().flatten();
        item.refused = whole.or_else(|| keeping.too_large(bytes).as_ref().map(reason));
    }
    Ok(keeping.needs_readers())
}

/// Says why events of a topic would not be kept, if so.
async fn why_not(
    link: &Link,
    (facts, keeping): (&Facts, &Keeping),
    topic: &Topic,
) -> Result<Option<String>> {
    // What is no subject is refused when it is laid out.
    let Ok(subject) = link.names.subject(topic) else {
        return Ok(None);
    };
    let why = if let Some(refused) = facts.no_messages() {
        Some(refused)
    } else if facts.covers(&subject) {
        let silence = keeping.silence();
        silence.or_else(|| keeping.unread(&link.names, &subject))
    } else {
        Some(link.untaken(&subject, Some(&facts.config.name)).await)
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

/// What letters that are published stood for, where a consumer has to be there still when all are.
pub(crate) struct Unsure(HashMap<LetterId, Topic>);

impl Unsure {
    /// Notes the letters that are about to be published, if they need a consumer.
    pub(crate) fn of(items: &[Item], needs_consumer: bool) -> Self {
        if !needs_consumer {
            return Self(HashMap::new());
        }
        let published = items.iter().filter(|item| item.refused.is_none());
        let topic = |item: &Item| {
            let letter = item.letter.as_ref()?;
            Some((letter.id.clone(), letter.message.topic.clone()))
        };
        Self(published.filter_map(topic).collect())
    }

    /// Doubts outcomes whose consumer is gone since it was looked for.
    pub(crate) async fn check(
        self,
        link: &Link,
        outcomes: &mut [(Entry, Resolution)],
    ) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let facts = link.facts().await?;
        let keeping = Keeping::of(link, &facts).await?;
        let topics: HashSet<&Topic> = self.0.values().collect();
        let is_unread = |topic: &&Topic| {
            let subject = link.names.subject(topic);
            subject.is_ok_and(|subject| keeping.unread(&link.names, &subject).is_some())
        };
        let unread: HashSet<&Topic> = topics.into_iter().filter(is_unread).collect();
        for (Entry(id, _), outcome) in outcomes {
            let topic = self.0.get(id);
            if *outcome == Resolution::Done && topic.is_some_and(|topic| unread.contains(topic)) {
                let reason =
                    "its consumer was deleted meanwhile, so that the stream may have dropped it";
                *outcome = Resolution::Ambiguous {
                    reason: reason.to_owned(),
                };
            }
        }
        Ok(())
    }
}
