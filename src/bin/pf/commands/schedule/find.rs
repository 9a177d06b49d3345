//! Finding one schedule by a prefix of its id.

use protoflow::transport::{FIND_LIMIT, Schedule, Schedules};

use crate::{
    error::{CliError, CliResult, Exit},
    values::nearest::nearest_in_pages,
};

/// Schedules per page.
const PAGE: usize = 500;

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

/// Returns the id that is most similar to `name`; `None` if none is, or the store does not answer.
async fn near(schedules: &dyn Schedules, name: &str) -> Option<String> {
    let mut scan = schedules.scan().await.ok()?;
    nearest_in_pages(name, async || {
        let page = scan.next(PAGE).await.ok()?;
        let names = page.iter().map(|schedule| schedule.id.0.clone());
        (!page.is_empty()).then(|| names.collect())
    })
    .await
}
