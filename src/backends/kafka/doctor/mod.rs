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
        connection::{handle::Connection, version},
        read::open_transactions,
    },
    transport::{Finding, Result},
};

/// Checks the cluster, the topics of the URL, the internal topics, and the groups that read them.
pub(super) async fn diagnose(connection: &Arc<Connection>) -> Result<Vec<Finding>> {
    let cluster = Cluster::look(connection).await?;
    let brokers = match cluster.brokers {
        1 => "1 broker".to_owned(),
        count => format!("{count} brokers"),
    };
    let server = version::server(connection).await?;
    let mut findings = vec![Finding::ok("server", format!("{server}: {brokers}"))];
    let read = groups::read(connection, &cluster).await?;
    findings.extend(topics::missing(connection, &cluster, &read));
    findings.extend(topics::settings(connection, &cluster));
    findings.extend(topics::replicas(connection, &cluster));
    let hidden = open_transactions::find(connection, cluster.places()).await?;
    findings.extend(topics::hidden(connection, &hidden));
    findings.extend(groups::findings(&read, &hidden));
    findings.extend(retries::findings(connection, &cluster, &read).await?);
    findings.extend(groups::firing(connection, &cluster).await?);
    Ok(findings)
}
