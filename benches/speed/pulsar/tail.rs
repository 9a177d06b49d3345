//! Reading what is stored, to a pipe.

use super::setup::Setup;
use crate::{
    Plan,
    events::{self, TOPIC},
    program::read,
    rounds::{Target, compare},
};

const ARGUMENTS: [&str; 7] = ["tail", TOPIC, "-o", "event", "--since", "1h", "--until-end"];

pub fn event(plan: &Plan) {
    let setup = Setup::filled(&events::events(plan.events));
    compare(
        "pulsar tail -o event",
        Target::Speed(0.6),
        plan.rounds,
        Box::new(|_| read(setup.pf(0, &ARGUMENTS), plan.events)),
        Box::new(|_| read(setup.child("tail", &setup.ours(0)), plan.events)),
    );
}
