//! Random moments: publisher, both sorts of consumer and replay over one store, each killed in turn.

use std::{collections::HashSet, time::Duration};

use crate::{checker, points::finish, store::Store};

/// A small generator, so that a failing round can be run again by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn killed_at_random_nothing_is_lost_or_doubled() {
    let rounds = if std::env::var_os("PF_TEST_LONG").is_some() {
        200
    } else {
        10
    };
    for seed in 1..=rounds {
        round(seed);
    }
}

fn round(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut store = Store::new();
    let mut kills = 0;
    for step in 0..4 {
        kills += u32::from(publish(&mut store, &mut dice));
        for worker in [false, true] {
            let consumer = store.consumer(worker, dice.roll(2) == 0 && !worker);
            let moment = Duration::from_millis(10 + dice.roll(150));
            kills += u32::from(store.run_and_kill(consumer, moment));
        }
        if step == 2 {
            store.mend();
        }
        let replay = store.pf(&["dlq", "replay", "--all", "--yes"]);
        let moment = Duration::from_millis(3 + dice.roll(25));
        kills += u32::from(store.run_and_kill(replay, moment));
    }
    finish(&mut store);
    println!(
        "seed {seed}: {kills} kills, {} accepted",
        store.accepted.len()
    );
    assert!(kills > 0, "seed {seed} killed nothing");
    checker::judge(&store, &HashSet::new(), &format!("seed {seed}"));
}

/// Publishes a few hundred events with a publisher that is killed at a random moment.
fn publish(store: &mut Store, dice: &mut Dice) -> bool {
    let moment = format!("0.{:03}", 40 + dice.roll(180));
    let status = store.publish(150, |command, _| {
        command.args(["--rate", "1500"]);
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut wrapped = std::process::Command::new("timeout");
        wrapped
            .args(["-s", "KILL", &moment])
            .arg(program)
            .args(arguments);
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                wrapped.env(name, value);
            }
        }
        wrapped
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        wrapped.stderr(std::process::Stdio::null());
        *command = wrapped;
    });
    !status.success()
}
