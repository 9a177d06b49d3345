//! Reading dead letters and running jobs, with what cases do in one word.

use super::{Harness, message::message};
use crate::{
    event::Topic,
    transport::{
        DeadLetter, ErrorKind, JobAction, JobId, JobLease, LetterId, LetterKind, Resolution,
        Selection, Transport,
    },
};

/// The action of a replay to where the message failed.
pub(super) const REPLAY: JobAction = JobAction::Replay { to: None };

impl Harness {
    /// Returns the selection of a group's letters.
    pub(super) fn selection(&self, group: &str) -> Selection {
        Selection {
            group: Some(self.group(group)),
            ..Selection::default()
        }
    }

    /// Reads the letters of a group.
    pub(super) async fn letters(&self, group: &str) -> Vec<DeadLetter> {
        self.select(&self.selection(group)).await
    }

    /// Reads the letters that are meant.
    pub(super) async fn select(&self, selection: &Selection) -> Vec<DeadLetter> {
        select_over(&*self.transport, selection).await
    }

    /// Publishes messages with these texts and buries each for a group; returns the letters.
    pub(super) async fn bury(&self, group: &str, topic: &Topic, texts: &[&str]) -> Vec<DeadLetter> {
        self.publish(texts.iter().map(|text| message(topic, text)))
            .await;
        let member = self.join(group, topic).await;
        for delivery in member.take(texts.len()).await {
            member.bury(delivery, LetterKind::Permanent).await;
        }
        member.close().await;
        let letters = self.letters(group).await;
        assert_eq!(letters.len(), texts.len(), "a letter for each");
        letters
    }

    /// Plans a job.
    pub(super) async fn plan(&self, action: JobAction, letters: &[DeadLetter]) -> JobId {
        let store = self.transport.dead_letters();
        let job = store.plan(action, "--ids").await.expect("a plan is stored");
        store
            .enlist(&job, letters)
            .await
            .expect("letters can be enlisted");
        job
    }

    /// Takes a lease, waiting while others that share the store work on it.
    pub(super) async fn lease_job(&self, transport: &dyn Transport, job: &JobId) -> JobLease {
        loop {
            match transport.dead_letters().lease(job, "tester").await {
                Ok(lease) => return lease,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Held, "{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Plans a job and carries it out.
    pub(super) async fn run_job(
        &self,
        action: JobAction,
        letters: &[DeadLetter],
    ) -> Vec<(LetterId, Resolution)> {
        let job = self.plan(action, letters).await;
        let lease = self.lease_job(&*self.transport, &job).await;
        self.finish_job(&*self.transport, lease).await
    }

    /// Carries out what is left of a job.
    pub(super) async fn finish_job(
        &self,
        transport: &dyn Transport,
        lease: JobLease,
    ) -> Vec<(LetterId, Resolution)> {
        let store = transport.dead_letters();
        let mut all = Vec::new();
        loop {
            let some = store.advance(&lease, 2).await.expect("the lease is ours");
            assert!(some.len() <= 2, "more letters than were asked for");
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        store
            .release(lease, true)
            .await
            .expect("a job can be ended");
        all
    }

    /// Replays letters, expecting that each is.
    pub(super) async fn replay(&self, letters: &[DeadLetter]) {
        let resolved = self.run_job(REPLAY, letters).await;
        assert_eq!(
            resolved,
            done(letters),
            "every letter was replayed, in order"
        );
    }
}

/// Returns the outcome in which every letter was dealt with.
pub(super) fn done(letters: &[DeadLetter]) -> Vec<(LetterId, Resolution)> {
    let done = |letter: &DeadLetter| (letter.id.clone(), Resolution::Done);
    letters.iter().map(done).collect()
}

/// Reads the letters that are meant over a connection.
pub(super) async fn select_over(
    transport: &dyn Transport,
    selection: &Selection,
) -> Vec<DeadLetter> {
    let store = transport.dead_letters();
    let mut scan = store.scan(selection).await.expect("letters can be read");
    let mut all = Vec::new();
    loop {
        let some = scan.next(2).await.expect("letters can be read");
        assert!(some.len() <= 2, "more letters than were asked for");
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().filter(|letter| selection.matches(letter)));
    }
}
