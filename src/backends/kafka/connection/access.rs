//! What the cluster's ACLs refused: the resource, the operation, and the command that allows it.

use std::collections::BTreeSet;

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use super::config::Config;
use crate::{
    backends::kafka::error::{self, error},
    transport::{ErrorKind, TransportError},
};

/// What an ACL has to allow, in the words of `kafka-acls.sh`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    operation: &'static str,
    resource: &'static str,
    name: &'a str,
}

impl<'a> Access<'a> {
    pub(crate) fn topic(operation: &'static str, name: &'a str) -> Self {
        Self {
            operation,
            resource: "topic",
            name,
        }
    }

    pub(crate) fn group(operation: &'static str, name: &'a str) -> Self {
        Self {
            operation,
            resource: "group",
            name,
        }
    }

    pub(crate) fn transactional_id(name: &'a str) -> Self {
        Self {
            operation: "Write",
            resource: "transactional-id",
            name,
        }
    }

    /// Returns what a code says was refused when this was tried; none if it is no refusal of an ACL.
    fn refused_by(self, code: Code) -> Option<Self> {
        let cluster = |operation| Access {
            operation,
            resource: "cluster",
            name: "kafka-cluster",
        };
        match (code, self.resource) {
            (Code::TopicAuthorizationFailed, "topic")
            | (Code::GroupAuthorizationFailed, "group")
            | (Code::TransactionalIdAuthorizationFailed, "transactional-id") => Some(self),
            (Code::ClusterAuthorizationFailed, _) if self.operation == "Create" => {
                Some(cluster("Create"))
            }
            (Code::ClusterAuthorizationFailed, _) => Some(cluster("IdempotentWrite")),
            _ => None,
        }
    }

    /// Returns the error of a user who is not allowed this.
    pub(crate) fn denied(self, config: &Config) -> TransportError {
        let Self {
            operation,
            resource,
            name,
        } = self;
        let what = if resource == "cluster" {
            "the cluster".to_owned()
        } else {
            format!("{resource} `{name}`")
        };
        let message = format!("the cluster's ACLs do not allow {operation} on {what}");
        error(ErrorKind::Denied, message).hint(command(
            config,
            operation,
            &match resource {
                "cluster" => "--cluster".to_owned(),
                _ => format!("--{resource} {name}"),
            },
        ))
    }
}

/// Returns the command that allows something.
pub(crate) fn command(config: &Config, operation: &str, what: &str) -> String {
    let user = config.properties.get("sasl.username");
    let user = user.map_or("NAME", String::as_str);
    let servers = config.servers.join(",");
    format!(
        "kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:{user} --operation {operation} {what}"
    )
}

/// Returns the error of topics one of which may not be read; the client does not say which.
pub(crate) fn unreadable<'a>(
    config: &Config,
    topics: impl IntoIterator<Item = &'a str>,
) -> TransportError {
    let topics: BTreeSet<&str> = topics.into_iter().collect();
    let topics: Vec<&str> = topics.into_iter().collect();
    if let [topic] = topics.as_slice() {
        return Access::topic("Read", topic).denied(config);
    }
    let topics = topics.join("`, `");
    let message = format!("the cluster's ACLs do not allow Read on one of `{topics}`");
    error(ErrorKind::Denied, message).hint(command(config, "Read", "--topic TOPIC"))
}

/// Turns a code into an error that names what was refused; `doing` is what failed otherwise.
pub(crate) fn from_code(
    config: &Config,
    code: Code,
    doing: &str,
    access: Access<'_>,
) -> TransportError {
    match access.refused_by(code) {
        Some(refused) => refused.denied(config),
        None => error::from_code(code, doing),
    }
}

/// The same of an error of the client.
pub(crate) fn from_kafka(
    config: &Config,
    failed: KafkaError,
    doing: &str,
    access: Access<'_>,
) -> TransportError {
    match failed.rdkafka_error_code() {
        Some(code) => from_code(config, code, doing, access),
        None => error::from_kafka(failed, doing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::OpenOptions;

    #[test]
    fn resource_and_operation_are_named() {
        let url = "kafka://ann:secret@a:1/".parse().unwrap();
        let config = Config::read(&url, OpenOptions::default()).unwrap();
        let told = |code, access| {
            let failed = from_code(&config, code, "publishing", access);
            (
                failed.message().to_owned(),
                failed.advice().map(str::to_owned),
            )
        };
        let (message, hint) = told(
            Code::TopicAuthorizationFailed,
            Access::topic("Write", "orders"),
        );
        assert_eq!(
            message,
            "the cluster's ACLs do not allow Write on topic `orders`"
        );
        assert_eq!(
            hint.unwrap(),
            "kafka-acls.sh --bootstrap-server a:1 --add --allow-principal User:ann --operation Write --topic orders"
        );
        let create = Access::topic("Create", "orders");
        let (message, hint) = told(Code::ClusterAuthorizationFailed, create);
        assert!(message.ends_with("Create on the cluster"), "{message}");
        assert!(hint.unwrap().ends_with("--operation Create --cluster"));
        let (message, _) = told(Code::UnknownTopicOrPartition, create);
        assert_eq!(message, "publishing failed: unknown topic or partition");
    }
}
