//! The topic of the marks of an action: made before the first event is taken, and kept for as long as the longest window.

use std::{sync::Arc, time::Duration};

use crate::{
    backends::kafka::connection::{
        admin::{self, TopicSpec},
        handle::Connection,
        topics::PlannedTopic,
    },
    event::Action,
    transport::Result,
};

const RETENTION: &str = "retention.ms";
const CLEANUP: &str = "cleanup.policy";
/// A segment is deleted as a whole, so a short window needs short segments, and a long one not too many.
const SEGMENTS: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(24));

/// Creates the topic of an action, or changes what it lacks for this window; returns its name, and a remark if it was created.
pub(super) async fn provide(
    connection: &Arc<Connection>,
    action: &Action,
    window: Duration,
) -> Result<(String, Option<String>)> {
    let name = connection.names().marks_topic(action)?;
    let planned = PlannedTopic {
        spec: spec(name.clone(), window),
        purpose: format!("marks of what {action} has handled"),
    };
    let created = connection.topics.create_planned(vec![planned]).await?.pop();
    if created.is_none() {
        adapt(connection, &name, window).await?;
    }
    Ok((name, created))
}

/// Returns the topic as it has to be created. Windows are measured by the time of the broker.
fn spec(name: String, window: Duration) -> TopicSpec {
    let segment = (window / 4).clamp(SEGMENTS.0, SEGMENTS.1);
    TopicSpec {
        name,
        partitions: 1,
        settings: vec![
            (CLEANUP, "delete".into()),
            (RETENTION, millis(window).into()),
            ("retention.bytes", "-1".into()),
            ("segment.ms", millis(segment).into()),
            ("message.timestamp.type", "LogAppendTime".into()),
        ],
    }
}

/// Changes the settings of a topic that was created for a shorter window, or by hand.
async fn adapt(connection: &Arc<Connection>, name: &str, window: Duration) -> Result<()> {
    let found = connection.topics.settings(&[name.to_owned()]).await?.pop();
    let found = found.flatten().unwrap_or_default();
    let setting = |name| found.get(name).map_or("", String::as_str);
    let wanted = millis(window);
    let is_long = |kept: i128| kept < 0 || wanted.parse().is_ok_and(|wanted| kept >= wanted);
    let mut changes = Vec::new();
    if setting(RETENTION).parse().is_ok_and(|kept| !is_long(kept)) {
        changes.push((RETENTION, wanted.as_str()));
    }
    if setting(CLEANUP).contains("compact") {
        changes.push((CLEANUP, "delete"));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let admin = connection.admin().await?;
    admin::change(admin, &connection.config, name, &changes).await
}

fn millis(time: Duration) -> String {
    time.as_millis().min(i64::MAX as u128).to_string()
}
