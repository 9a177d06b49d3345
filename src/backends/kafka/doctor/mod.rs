//! Checks of a cluster, its topics and its groups, and the fixes.

mod cluster;
mod fix;
mod groups;
mod retries;
mod topics;

use std::sync::Arc;

use self::cluster::Cluster;
pub(super) use self::fix::fix;
use crate::{
    backends::kafka::{
        connection::{handle::Link, version},
        read::open_transactions,
    },
    transport::{Finding, Result},
};

/// Looks at the cluster, the topics of the URL, what is ours beside them, and the groups that read them.
pub(super) async fn diagnose(link: &Arc<Link>) -> Result<Vec<Finding>> {
    let cluster = Cluster::look(link).await?;
    let brokers = match cluster.brokers {
        1 => "1 broker".to_owned(),
        count => format!("{count} brokers"),
    };
    let server = version::server(link).await?;
    let mut findings = vec![Finding::ok("server", format!("{server}: {brokers}"))];
    let read = groups::read(link, &cluster).await?;
    findings.extend(topics::missing(link, &cluster, &read));
    findings.extend(topics::settings(link, &cluster));
    findings.extend(topics::replicas(link, &cluster));
    let hidden = open_transactions::find(link, cluster.places()).await?;
    findings.extend(topics::hidden(link, &hidden));
    findings.extend(groups::findings(&read, &hidden));
    findings.extend(retries::findings(link, &cluster, &read).await?);
    findings.extend(groups::firing(link, &cluster).await?);
    Ok(findings)
}

/// Adds the command of Kafka's own tools that gives a topic another setting.
fn by_setting(link: &Link, finding: Finding, topic: &str, setting: &str) -> Finding {
    let server = link.config.servers.first().map_or("", String::as_str);
    finding.fix(format!(
        "kafka-configs.sh --bootstrap-server {server} --alter --entity-type topics --entity-name {topic} \
         --add-config {setting}"
    ))
}
