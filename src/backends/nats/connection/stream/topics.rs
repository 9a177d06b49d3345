//! Topics: the subjects of the stream that the URL names.

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::handle::Link,
        error::{NO_STREAM, error},
    },
    event::Topic,
    lock::Mutex,
    transport::{ErrorKind, Result},
};

impl Link {
    /// Returns the topics under which the stream holds messages.
    pub(crate) async fn topics(&self) -> Result<Vec<Topic>> {
        let subjects = self.subjects().await?;
        let topics = subjects
            .iter()
            .filter_map(|subject| self.names.topic(subject));
        let mut topics: Vec<Topic> = topics.collect();
        topics.sort_unstable();
        Ok(topics)
    }

    /// Asks for the subjects of topics, page by page.
    async fn subjects(&self) -> Result<Vec<String>> {
        let names = &self.names;
        let mut all = Vec::new();
        loop {
            let body = json!({"subjects_filter": names.all_topics(), "offset": all.len()});
            let verb = format!("STREAM.INFO.{}", names.stream);
            let answer = match self.api(verb, &body).await {
                Ok(answer) => answer,
                Err(refusal) if refusal.is(NO_STREAM) => return Ok(all),
                Err(refusal) => return Err(refusal.into()),
            };
            let page = answer.pointer("/state/subjects").and_then(Value::as_object);
            let before = all.len();
            all.extend(page.into_iter().flat_map(|page| page.keys().cloned()));
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
            if all.len() == before || all.len() as u64 >= total {
                return Ok(all);
            }
        }
    }

    /// Makes the stream unless it is there, and makes sure that it takes a topic; says what was made, and what had been
    /// made before.
    pub(crate) async fn create(
        &self,
        topic: &Topic,
        before: &Mutex<Vec<String>>,
    ) -> Result<Vec<String>> {
        let subject = self.names.subject(topic)?;
        let more = self.make_stream().await?;
        let mut made = std::mem::take(&mut *before.lock());
        made.extend(more);
        if !made.is_empty() {
            return Ok(made);
        }
        let facts = self.facts().await?;
        if let Some(refused) = facts.no_messages() {
            return Err(refused);
        }
        if !facts.covers(&subject) {
            let stream = &self.names.stream;
            let message = format!("the stream `{stream}` is there and does not cover `{subject}`");
            return Err(error(ErrorKind::Configuration, message)
                .hint("`nats stream edit` adds a subject; `prefix` in the URL changes what stands before topics"));
        }
        Ok(made)
    }
}
