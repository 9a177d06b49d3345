//! The marks that a subscription keeps.

use std::sync::Arc;

use super::{change::Change, log::MarkLog, pending, topic};
use crate::{
    backends::kafka::connection::{client::topic_ids::TopicIds, handle::Connection},
    event::{HandlingKey, Topic},
    transport::{
        Beginning, DeadLetterId, DedupMode, Handling, Mark, MarkChange, Result, Settlement,
        SubscribeRequest,
    },
};

/// See the module.
#[derive(Debug)]
pub(crate) struct MarkStore {
    connection: Arc<Connection>,
    /// The ids of topics, as the member's client knows them.
    ids: Arc<TopicIds>,
    log: MarkLog,
    mode: DedupMode,
}

impl MarkStore {
    /// Opens the marks of a subscription, if its request asks for them; adds a remark if their topic was created.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        request: &SubscribeRequest,
        ids: &Arc<TopicIds>,
        remarks: &mut Vec<String>,
    ) -> Result<Option<Self>> {
        let Some(dedup) = &request.dedup else {
            return Ok(None);
        };
        let action = dedup.action(&request.group);
        let (topic, created) = topic::provide(connection, &action, dedup.window).await?;
        remarks.extend(created);
        Ok(Some(Self {
            connection: Arc::clone(connection),
            ids: Arc::clone(ids),
            log: MarkLog::open(connection, topic, dedup.window).await?,
            mode: dedup.mode,
        }))
    }

    /// Returns the key under which what is handled of a topic is marked. In another topic of that name the same positions,
    /// and ids that are made of positions, are other events.
    pub(crate) fn key(&self, topic: &Topic, key: HandlingKey) -> HandlingKey {
        let name = self.connection.names().topic_name(topic).ok();
        let id = name.and_then(|name| self.ids.of(&name)).unwrap_or_default();
        key.within(id)
    }

    /// Looks up marks, with everything that members have stored by now.
    pub(crate) async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        self.log.read_to_end().await?;
        let mut found = Vec::with_capacity(handlings.len());
        for handling in handlings {
            let mark = self.log.get(handling.key);
            found.push(self.judged(mark, handling).await?);
        }
        Ok(found)
    }

    /// Begins a handling unless its mark does not admit it; returns what was there.
    pub(crate) async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        let found = self.log.begin(handling).await?;
        self.judged(found, handling).await
    }

    /// Tells whether the delivery on which a run began may still be settled. What has changed meanwhile is judged when the copy
    /// comes again.
    async fn judged(&self, mark: Option<Mark>, handling: &Handling) -> Result<Option<Mark>> {
        let Some(Mark::Begun(beginning)) = &mark else {
            return Ok(mark);
        };
        let is_own = *beginning == handling.beginning;
        if is_own || pending::is_pending(&self.connection, beginning).await? {
            return Ok(mark);
        }
        // Its end is marked before its offset is committed.
        self.log.read_to_end().await?;
        let has_ended = self.log.get(handling.key) != mark;
        Ok(if has_ended { mark } else { Some(Mark::Unknown) })
    }

    /// Returns the change that a settlement makes, if it makes one: without beginnings there is nothing to forget.
    pub(crate) fn change(&self, settlement: &Settlement) -> Option<MarkChange> {
        let key = |key| self.key(&settlement.delivery.stored.message.topic, key);
        match settlement.mark()? {
            MarkChange::Done(own) => Some(MarkChange::Done(key(own))),
            MarkChange::Dead(own) => Some(MarkChange::Dead(key(own))),
            MarkChange::Forget(own) => {
                let forgets = self.mode == DedupMode::AtMostOnce;
                forgets.then(|| MarkChange::Forget(key(own)))
            }
        }
    }

    /// Marks events as handled; returns the result of each.
    pub(crate) async fn done(&self, keys: Vec<HandlingKey>) -> Vec<Result<()>> {
        let changes = keys.into_iter().map(|key| (key, Change::Done));
        self.log.write(changes.collect()).await
    }

    /// Marks an event as given up.
    pub(crate) async fn dead(&self, key: HandlingKey, letter: &DeadLetterId) -> Result<()> {
        let letter = letter.clone();
        self.log.write_one(key, Change::Dead { letter }).await
    }

    /// Lets a run be repeated that began on this delivery. Its record was read before it was run.
    pub(crate) async fn forget(&self, key: HandlingKey, beginning: Beginning) -> Result<()> {
        let begun = Mark::Begun(beginning.clone());
        if self.log.get(key) != Some(begun) {
            return Ok(());
        }
        let Beginning { group, position } = beginning;
        self.log
            .write_one(key, Change::Free { group, position })
            .await
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(crate) fn forgotten(&self) -> u64 {
        self.log.forgotten()
    }
}
