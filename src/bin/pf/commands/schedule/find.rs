//! Finding one schedule by a prefix of its id.

use protoflow::transport::{FIND_LIMIT, Schedule, Schedules};

use crate::{
    error::{CliError, CliResult, Exit},
    values::nearest::nearest,
};

/// So many schedules are searched for a name like the one that was given.
const SEARCHED: usize = 10_000;

/// Returns the one schedule whose id has this prefix.
pub async fn one(schedules: &dyn Schedules, name: &str) -> CliResult<Schedule> {
    let mut found = schedules.find(name).await?;
    if let Some(exact) = found.iter().position(|schedule| schedule.id.0 == name) {
        return Ok(found.swap_remove(exact));
    }
    match (found.pop(), found.len()) {
        (Some(schedule), 0) => Ok(schedule),
        (None, _) => Err(unknown(schedules, name).await),
        (Some(last), others) => {
            let count = match others + 1 {
                FIND_LIMIT => format!("{FIND_LIMIT} or more"),
                count => count.to_string(),
            };
            let text = format!("`{name}` matches {count} schedules");
            let first = found.iter().take(4).chain([&last]);
            let names: Vec<_> = first.map(|schedule| schedule.id.0.as_str()).collect();
            Err(CliError::message(Exit::Failed, text).hint(format!(
                "candidates: {}; give more characters of the id",
                names.join(", ")
            )))
        }
    }
}

async fn unknown(schedules: &dyn Schedules, name: &str) -> CliError {
    let error = CliError::message(Exit::Failed, format!("no schedule `{name}`"));
    match near(schedules, name).await {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error
            .hint("its event may have been delivered; `pf schedule list` shows the pending ones"),
    }
}

/// Returns the name most like the one given. Finding none is no error of its own.
async fn near(schedules: &dyn Schedules, name: &str) -> Option<String> {
    let mut scan = schedules.scan().await.ok()?;
    let mut best: Option<String> = None;
    let mut searched = 0;
    while searched < SEARCHED {
        let page = scan.next(500).await.ok()?;
        if page.is_empty() {
            break;
        }
        searched += page.len();
        let known = page.iter().map(|schedule| schedule.id.0.as_str());
        if let Some(found) = nearest(name, known.chain(best.as_deref())) {
            best = Some(found.to_owned());
        }
    }
    best
}
