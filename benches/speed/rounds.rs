//! Interleaved rounds of two sides, medians, and the ratio.

use std::{cmp::Ordering, time::Duration};

/// What the ratio should be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Our speed over the raw speed, at least.
    Speed(f64),
    /// Our time over the raw time, at most.
    Time(f64),
}

/// One side: prepares nothing that is measured, returns how long its work took.
pub type Side<'a> = Box<dyn FnMut(usize) -> Duration + 'a>;

/// Runs both sides in turn, changing who goes first, and prints the median of the rounds' ratios: what slows the
/// machine down for a while slows both sides of a round.
pub fn compare(name: &str, target: Target, rounds: usize, mut ours: Side<'_>, mut raw: Side<'_>) {
    let (mut our_times, mut raw_times) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            our_times.push(ours(round));
            raw_times.push(raw(round));
        } else {
            raw_times.push(raw(round));
            our_times.push(ours(round));
        }
    }
    let pairs = our_times.iter().zip(&raw_times);
    let ratios = pairs.map(|(ours, raw)| ours.as_secs_f64() / raw.as_secs_f64());
    let slower = middle(ratios.collect(), f64::total_cmp);
    let (ratio, wanted, met) = match target {
        Target::Speed(least) => {
            let ratio = slower.recip();
            (ratio, format!(">= {least}"), ratio >= least)
        }
        Target::Time(most) => (slower, format!("<= {most}"), slower <= most),
    };
    let (our_time, raw_time) = (median(our_times), median(raw_times));
    report(
        name,
        &format!("ours {our_time:.3?}, raw {raw_time:.3?}, ratio {ratio:.2}"),
        &wanted,
        met,
    );
}

/// Prints one figure beside what it should be.
pub fn report(name: &str, figure: &str, wanted: &str, met: bool) {
    let verdict = if met { "met" } else { "MISSED" };
    println!("{name:<38} {figure:<64} wanted {wanted:<10} {verdict}");
}

/// Says why a benchmark was left out.
pub fn skip(name: &str, reason: &str) {
    println!("{name:<38} left out: {reason}");
}

/// Returns the middle one.
pub fn median(times: Vec<Duration>) -> Duration {
    middle(times, Duration::cmp)
}

fn middle<T: Copy>(mut values: Vec<T>, order: impl FnMut(&T, &T) -> Ordering) -> T {
    values.sort_unstable_by(order);
    values[values.len() / 2]
}
