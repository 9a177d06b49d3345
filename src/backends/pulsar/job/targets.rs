//! Where the messages of a job go: the retry topic of the group that failed, or a topic.

use std::{collections::HashMap, sync::Arc};

use super::letters::Loaded;
use crate::{
    backends::pulsar::{
        codec::{
            message::Outbound,
            properties::{LINEAGE, Marks},
            retry::json,
        },
        connection::{
            admin,
            handle::Connection,
            keeper::{Keeper, keep_for},
            names::{self, check_group},
            topic_directory::TopicInfo,
            topics,
        },
        publish::partition::of_key,
    },
    event::Topic,
    transport::{ErrorKind, Result},
};

/// The topics of a job, as far as they are known.
#[derive(Debug)]
pub(super) struct Targets {
    connection: Arc<Connection>,
    known: HashMap<String, Target>,
    /// The admin API did not answer.
    is_silent: bool,
}

/// A topic that exists.
#[derive(Debug, Clone)]
struct Target {
    info: TopicInfo,
    /// Whether it recognises duplicates.
    is_exact: bool,
    /// The subscription of the group that it is for.
    keeper: Option<Keeper>,
}

/// A message and the log that it goes to.
#[derive(Debug)]
pub(super) struct Addressed {
    pub(super) log: String,
    pub(super) is_exact: bool,
    /// The subscription that keeps it there, if it is for one group.
    pub(super) keeper: Option<Keeper>,
    pub(super) outbound: Outbound,
}

impl Targets {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self {
            connection: Arc::clone(connection),
            known: HashMap::new(),
            is_silent: false,
        }
    }

    /// Encodes the message of a letter for its replay, the `number`th of its job; an error of the letter itself is in the inner
    /// result.
    pub(super) async fn address(
        &mut self,
        to: Option<&Topic>,
        loaded: &Loaded,
        number: u64,
    ) -> Result<Result<Addressed, String>> {
        match self.try_address(to, loaded, number).await {
            Ok(addressed) => Ok(Ok(addressed)),
            Err(failed) => match failed.kind() {
                ErrorKind::Unavailable | ErrorKind::Ambiguous => Err(failed),
                _ => Ok(Err(failed.to_string())),
            },
        }
    }

    async fn try_address(
        &mut self,
        to: Option<&Topic>,
        loaded: &Loaded,
        number: u64,
    ) -> Result<Addressed> {
        let letter = &loaded.found.letter;
        let marks = Marks::default().with(LINEAGE, json(&letter.lineage()));
        let outbound = Outbound::internal(&letter.message, &marks);
        let target = self.target(to, loaded).await?;
        let log = match target.info.partitions {
            None => target.info.name.clone(),
            Some(count) => {
                let key = outbound.routing_key();
                let key = key.map(|key| of_key(key, count));
                let partition = key.unwrap_or_else(|| {
                    u32::try_from(number % u64::from(count.max(1))).unwrap_or(0)
                });
                names::partition(&target.info.name, partition)
            }
        };
        Ok(Addressed {
            log,
            is_exact: target.is_exact,
            keeper: target.keeper,
            outbound,
        })
    }

    /// Finds the topic that a letter goes to. That of a group is created where the group has none yet, with its subscription:
    /// without one the message would be lost.
    async fn target(&mut self, to: Option<&Topic>, loaded: &Loaded) -> Result<Target> {
        let letter = &loaded.found.letter;
        let names = &self.connection.config.names;
        let topic = match to {
            None if letter.is_foreign => Some(&letter.message.topic),
            to => to,
        };
        let name = if let Some(topic) = topic {
            names.topic_name(topic)?
        } else {
            names.topic_name(&letter.message.topic)?;
            check_group(&letter.record.group)?;
            names.retry_topic(&letter.message.topic, &letter.record.group)
        };
        if let Some(known) = self.known.get(&name) {
            return Ok(known.clone());
        }
        let mut kept_by = None;
        let info = if let Some(topic) = topic {
            topics::find(&self.connection, topic).await?
        } else {
            let sub_type = self.connection.config.sub_type;
            let keeper = Keeper::of_retries(&letter.record.group, sub_type);
            keep_for(&self.connection, &name, &keeper).await?;
            kept_by = Some(keeper);
            let info = topics::find_name(&self.connection, &name).await?;
            info.unwrap_or(TopicInfo {
                name: name.clone(),
                partitions: None,
            })
        };
        let target = Target {
            is_exact: self.recognises_duplicates(&name).await,
            keeper: kept_by,
            info,
        };
        self.known.insert(name, target.clone());
        Ok(target)
    }

    /// Asks whether a topic recognises duplicates. Only the admin API tells; without it the topic counts as one that does not.
    async fn recognises_duplicates(&mut self, name: &str) -> bool {
        if self.is_silent {
            return false;
        }
        let path = format!("{}/deduplicationEnabled?applied=true", admin::path_of(name));
        match admin::get(&self.connection, &path).await {
            Ok(Some(answer)) => answer.as_bool().unwrap_or(false),
            Ok(None) => false,
            Err(failed) => {
                tracing::debug!(%failed, "it is unknown whether topics recognise duplicates");
                self.is_silent |= failed.is_transient();
                false
            }
        }
    }
}
