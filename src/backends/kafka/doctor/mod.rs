//! What in a cluster, its topics and its groups will bite, and how it is mended.

mod cluster;
mod groups;
mod mend;
mod retries;
mod topics;

use std::sync::Arc;

use self::cluster::Cluster;
pub(super) use self::mend::mend;
use crate::{
    backends::kafka::{
        connection::{handle::Link, version},
        read::open_transactions,
    },
    transport::{Finding, FindingLevel, Result},
};

/// Looks at the cluster, the topics of the URL, what is ours beside them, and the groups that read them.
pub(super) async fn diagnose(link: &Arc<Link>) -> Result<Vec<Finding>> {
    let cluster = Cluster::look(link).await?;
    let brokers = match cluster.brokers {
        1 => "1 broker".to_owned(),
        count => format!("{count} brokers"),
    };
    let server = version::server(link).await?;
    let mut findings = vec![ok("server", format!("{server}: {brokers}"))];
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

fn finding(name: &str, level: FindingLevel, text: impl Into<String>) -> Finding {
    Finding {
        name: name.to_owned(),
        level,
        text: text.into(),
        mend: None,
    }
}

fn ok(name: &str, text: impl Into<String>) -> Finding {
    finding(name, FindingLevel::Ok, text)
}

fn warning(name: &str, text: impl Into<String>) -> Finding {
    finding(name, FindingLevel::Warning, text)
}

fn problem(name: &str, text: impl Into<String>) -> Finding {
    finding(name, FindingLevel::Problem, text)
}

/// Adds the command of Kafka's own tools that gives a topic another setting.
fn by_setting(link: &Link, finding: Finding, topic: &str, setting: &str) -> Finding {
    let server = link.config.servers.first().map_or("", String::as_str);
    let mend = format!(
        "kafka-configs.sh --bootstrap-server {server} --alter --entity-type topics --entity-name {topic} \
         --add-config {setting}"
    );
    Finding {
        mend: Some(mend),
        ..finding
    }
}
