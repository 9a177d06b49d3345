//! Leaving the group until messages are asked for.

use rdkafka::consumer::Consumer as _;

use crate::backends::kafka::consume::{
    assignment::rebalance::GroupConsumer, offsets::commit, session::Session,
};

/// Gives every partition to the other members. Deliveries lose their leases; settled ones are committed.
pub(crate) fn leave_group(client: &GroupConsumer, session: &Session) {
    let mut state = session.state();
    let all = state.assignment.all();
    state.assignment.draining.extend(&all);
    drop(state);
    if let Err(failed) = commit::commit(client, session, None) {
        tracing::debug!(%failed, "settled messages are delivered again");
    }
    let mut state = session.state();
    state.revoke(&all);
    state.lifecycle.left();
    drop(state);
    // A caller that still waits calls again, and makes the member rejoin.
    session.delivered.notify_waiters();
    client.unsubscribe();
}
