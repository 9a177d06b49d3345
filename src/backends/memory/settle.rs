//! Making verdicts true.

use std::time::SystemTime;

use super::{error::SCHEME, state::State};
use crate::{
    event::Group,
    transport::{DeadLetter, Result, Settlement, TransportError, Verdict},
};

/// Makes one verdict true, if the member still holds the delivery.
pub(super) fn settle(
    state: &mut State,
    group: &Group,
    member: u64,
    settlement: Settlement,
    now: SystemTime,
) -> Result<()> {
    let Settlement { delivery, verdict } = settlement;
    let held = state
        .groups
        .get_mut(group)
        .and_then(|group| Some((group.take_back(delivery.ticket(), member)?, group)));
    let Some((mut item, unfinished)) = held else {
        let position = &delivery.stored.position;
        return Err(TransportError::lease_lost(SCHEME, position));
    };
    match verdict {
        Verdict::Ack => {}
        Verdict::Return => unfinished.put_back(item, None),
        Verdict::Retry { after, failure: _ } => {
            item.attempts.failed += 1;
            item.attempts.first_failed.get_or_insert(now);
            let due = (!after.is_zero()).then(|| now + after);
            unfinished.put_back(item, due);
        }
        Verdict::DeadLetter { kind, failure } => {
            let letter = DeadLetter::of(SCHEME, &state.name, group, &delivery, kind, *failure);
            state.put_aside(letter);
        }
    }
    Ok(())
}
