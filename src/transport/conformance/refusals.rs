//! What a store that lacks an ability must answer: refused as unsupported, and nothing stored.

use std::time::SystemTime;

use super::{Harness, message::message};
use crate::transport::{ErrorKind, JobAction, Result, SubscribeRequest};

fn assert_unsupported<T>(result: Result<T>, what: &str) {
    match result {
        Ok(_) => panic!("{what} is absent and was not refused"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{what}: {error}"),
    }
}

impl Harness {
    /// Reports that there is no delay, after checking that it is refused.
    pub(super) async fn refuses_delay(&self) -> bool {
        if self.can(|capabilities| &capabilities.delay) {
            return false;
        }
        let topic = self.topic("refused").await;
        let due = SystemTime::now() + self.delay();
        assert_unsupported(self.publish_at(message(&topic, "x"), due).await, "delay");
        assert_eq!(self.texts(&topic).await, [""; 0], "nothing was stored");
        true
    }

    /// Reports that schedules cannot be looked at, after checking that it is refused.
    pub(super) async fn refuses_schedules(&self) -> bool {
        if self.refuses_delay().await {
            return true;
        }
        if self.can(|capabilities| &capabilities.schedule) {
            return false;
        }
        let scan = self.transport.schedules().scan().await;
        assert_unsupported(scan, "schedule");
        true
    }

    /// Reports that retries do not hold their key, after checking that it is refused.
    pub(super) async fn refuses_ordered_retry(&self) -> bool {
        if self.can(|capabilities| &capabilities.ordered_retry) {
            return false;
        }
        let topic = self.topic("refused").await;
        let request = SubscribeRequest {
            ordered: true,
            ..self.request("refused", &topic)
        };
        let joined = self.transport.subscribe(request).await;
        assert_unsupported(joined, "ordered-retry");
        true
    }

    /// Reports that letters cannot be purged, after checking that it is refused.
    pub(super) async fn refuses_purge(&self) -> bool {
        if self.can(|capabilities| &capabilities.purge) {
            return false;
        }
        let planned = self
            .transport
            .dead_letters()
            .plan(JobAction::Purge, "")
            .await;
        assert_unsupported(planned, "purge");
        true
    }

    /// Reports that there are no wildcards, after checking that they are refused.
    pub(super) async fn refuses_patterns(&self) -> bool {
        if self.can(|capabilities| &capabilities.patterns) {
            return false;
        }
        let topic = self.topic("refused").await;
        let request = SubscribeRequest {
            patterns: vec![self.pattern("*")],
            ..self.request("refused", &topic)
        };
        let joined = self.transport.subscribe(request).await;
        assert_unsupported(joined, "patterns");
        true
    }
}
