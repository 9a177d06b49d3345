//! The marks of deliveries that came back: which are copies of something that was handled, and which are to be run.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    event::{Action, Group, HandlingKey},
    failpoint,
    lock::Mutex,
    transport::{DedupMode, Delivery, Handling, Mark, Result, Subscription, Ticket},
};

/// The pause before the marks are looked up again after a transient failure.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// The answer to a request for deliveries.
#[derive(Default)]
pub(in crate::runtime::consume) struct Fetched {
    /// To be run.
    pub(in crate::runtime::consume) run: Vec<Delivery>,
    /// Not to be run.
    pub(in crate::runtime::consume) copies: Vec<(Delivery, HandlingKey, Copied)>,
    /// Some were taken out meanwhile, because their leases were lost.
    pub(in crate::runtime::consume) has_lost: bool,
}

/// Why a delivery is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime::consume) enum Copied {
    /// A copy of it is settled.
    Settled,
    /// A copy of it is being handled.
    InProgress,
    /// A run began, of it or of a copy, and will not be settled, under a consumer that runs an event at most once.
    Unknown,
}

impl Fetched {
    /// Reports whether it means that the end was reached.
    pub(in crate::runtime::consume) fn is_end(&self) -> bool {
        self.run.is_empty() && self.copies.is_empty() && !self.has_lost
    }

    /// Returns all deliveries.
    pub(in crate::runtime::consume) fn into_deliveries(self) -> Vec<Delivery> {
        let copies = self.copies.into_iter().map(|(delivery, ..)| delivery);
        self.run.into_iter().chain(copies).collect()
    }
}

/// Deliveries whose marks are being looked up, shared with who extends their leases.
#[derive(Default, Clone)]
pub(in crate::runtime::consume) struct LookedUp(Arc<Mutex<Vec<Delivery>>>);

impl LookedUp {
    pub(in crate::runtime::consume) fn put(&self, deliveries: Vec<Delivery>) {
        *self.0.lock() = deliveries;
    }

    pub(in crate::runtime::consume) fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.0.lock())
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> Vec<Ticket> {
        self.0.lock().iter().map(Delivery::ticket).collect()
    }

    pub(in crate::runtime::consume) fn remove(&self, tickets: &[Ticket]) -> Vec<Delivery> {
        let mut deliveries = self.0.lock();
        let removed = deliveries.extract_if(.., |one| tickets.contains(&one.ticket()));
        removed.collect()
    }

    /// Returns each with its ticket, as what it is to be looked up.
    fn handlings(&self, lookup: &Lookup) -> Vec<(Ticket, Option<Handling>)> {
        let deliveries = self.0.lock();
        let handling = |one: &Delivery| {
            let handling = one.handling(&lookup.action, &lookup.group);
            (one.ticket(), handling)
        };
        deliveries.iter().map(handling).collect()
    }
}

/// Looks up marks.
#[derive(Debug, Clone)]
pub(in crate::runtime::consume) struct Lookup {
    pub(in crate::runtime::consume) action: Action,
    pub(in crate::runtime::consume) group: Group,
    pub(in crate::runtime::consume) mode: DedupMode,
}

impl Lookup {
    /// Sorts deliveries by their marks. What is not an event has none. Some may be taken out meanwhile.
    pub(in crate::runtime::consume) async fn sort(
        &self,
        subscription: &Arc<dyn Subscription>,
        looked_up: &LookedUp,
    ) -> Result<Fetched> {
        let mut fetched = Fetched::default();
        let handlings = looked_up.handlings(self);
        let known = handlings
            .iter()
            .filter_map(|(_, handling)| handling.clone());
        let known: Vec<Handling> = known.collect();
        let mut marks = look_up(subscription, &known).await?.into_iter();
        failpoint::reach("consume.looked_up");
        let mut left = looked_up.take().into_iter().peekable();
        for (ticket, handling) in handlings {
            let mark = handling.as_ref().and_then(|_| marks.next().flatten());
            let Some(mut delivery) = left.next_if(|next| next.ticket() == ticket) else {
                fetched.has_lost = true;
                continue;
            };
            let Some(handling) = handling else {
                fetched.run.push(delivery);
                continue;
            };
            let copied = judge(self.mode, &handling, mark.as_ref());
            // A copy leaves the mark alone.
            match copied {
                None => {
                    delivery.set_mark(Some(handling.key));
                    fetched.run.push(delivery);
                }
                Some(copied) => fetched.copies.push((delivery, handling.key, copied)),
            }
        }
        Ok(fetched)
    }
}

/// Decides by its mark why a delivery is not run; `None` if it is.
pub(in crate::runtime::consume) fn judge(
    mode: DedupMode,
    handling: &Handling,
    mark: Option<&Mark>,
) -> Option<Copied> {
    let mark = mark?;
    if !mark.admits(handling) {
        return Some(match mark {
            Mark::Begun(_) | Mark::Unknown => Copied::InProgress,
            Mark::Done | Mark::Dead(_) => Copied::Settled,
        });
    }
    let began = matches!(mark, Mark::Begun(_) | Mark::Unknown);
    (began && mode == DedupMode::AtMostOnce).then_some(Copied::Unknown)
}

/// Looks up marks, retried while the server does not answer: the deliveries are taken already.
async fn look_up(
    subscription: &Arc<dyn Subscription>,
    handlings: &[Handling],
) -> Result<Vec<Option<Mark>>> {
    let Some(marks) = subscription.marks().filter(|_| !handlings.is_empty()) else {
        return Ok(Vec::new());
    };
    loop {
        match marks.look_up(handlings).await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "the marks could not be looked up");
                sleep(TRY_EVERY).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Position,
        transport::{Beginning, DeadLetterId},
    };

    #[test]
    fn a_mark_decides() {
        let action: Action = "billing".parse().unwrap();
        let beginning = |group: &str, position| Beginning {
            group: group.parse().unwrap(),
            position: Position::number(position),
        };
        let mut handling = Handling {
            key: HandlingKey::new(&action, "/shop", "1"),
            beginning: beginning("g", 1),
            replay_of: None,
        };
        let [settled, once] = [DedupMode::Settled, DedupMode::AtMostOnce];
        let letter = DeadLetterId::from_stored("a");
        let dead = Mark::Dead(letter.clone());
        for mode in [settled, once] {
            let judge = |mark: &Mark| judge(mode, &handling, Some(mark));
            assert_eq!(judge(&Mark::Done), Some(Copied::Settled));
            assert_eq!(judge(&dead), Some(Copied::Settled));
            for other in [beginning("g", 2), beginning("h", 1)] {
                assert_eq!(judge(&Mark::Begun(other)), Some(Copied::InProgress));
            }
        }
        for own in [Mark::Begun(beginning("g", 1)), Mark::Unknown] {
            assert_eq!(judge(settled, &handling, Some(&own)), None);
            assert_eq!(judge(once, &handling, Some(&own)), Some(Copied::Unknown));
        }
        assert_eq!(judge(once, &handling, None), None);
        handling.replay_of = Some(DeadLetterId::from_stored("b"));
        let other = judge(settled, &handling, Some(&dead));
        assert_eq!(other, Some(Copied::Settled), "of another letter");
        handling.replay_of = Some(letter);
        assert_eq!(judge(settled, &handling, Some(&dead)), None);
        assert_eq!(judge(once, &handling, Some(&dead)), None);
        let replayed_twice = judge(settled, &handling, Some(&Mark::Done));
        assert_eq!(replayed_twice, Some(Copied::Settled));
    }
}
