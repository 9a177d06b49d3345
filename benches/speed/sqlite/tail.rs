//! Reading what is stored, to a pipe.

use std::process::Command;

use super::setup::{self, Setup};
use crate::{
    Plan, events,
    program::read,
    rounds::{Target, compare},
};

pub fn json(plan: &Plan) {
    let setup = Setup::new();
    let store = setup.store("tail.db", &events::events(plan.events));
    let ours = |_| {
        read(
            setup::pf(
                &store,
                &["tail", "-o", "json", "--since", "1h", "--until-end"],
            ),
            plan.events,
        )
    };
    let raw = |_| {
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3
            .arg(&store)
            .arg("select payload from messages order by seq");
        read(sqlite3, plan.events)
    };
    compare(
        "tail -o json",
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
