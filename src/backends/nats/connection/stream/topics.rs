//! Topics: the subjects of the stream that the URL names.

use serde_json::Value;

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            stream::{
                info::{self, SubjectPage},
                setup,
            },
        },
        error::{NO_STREAM, error},
    },
    event::Topic,
    lock::Mutex,
    transport::{ErrorKind, Result},
};

/// Returns the topics of which the stream holds messages.
pub(crate) async fn list(connection: &Connection) -> Result<Vec<Topic>> {
    let subjects = subjects(connection).await?;
    let topics = subjects
        .iter()
        .filter_map(|subject| connection.names.topic(subject));
    let mut topics: Vec<Topic> = topics.collect();
    topics.sort_unstable();
    Ok(topics)
}

/// Asks for the subjects of topics, page by page.
async fn subjects(connection: &Connection) -> Result<Vec<String>> {
    let names = &connection.names;
    let (topics, mut all) = (names.all_topics(), Vec::<String>::new());
    loop {
        let page = info::subject_page(connection, &names.stream, &topics, all.len());
        let SubjectPage { subjects, total } = match page.await {
            Ok(page) => page,
            Err(refused) if refused.has_code(NO_STREAM) => return Ok(all),
            Err(failed) => return Err(failed.into()),
        };
        let before = all.len();
        all.extend(
            subjects
                .into_iter()
                .map(|(subject, _): (String, Value)| subject),
        );
        if all.len() == before || all.len() as u64 >= total {
            return Ok(all);
        }
    }
}

/// Creates the stream unless it exists, and makes sure that it covers a topic. Returns the notices of this and of earlier
/// creations that were not reported yet.
pub(crate) async fn create(
    connection: &Connection,
    topic: &Topic,
    unreported: &Mutex<Vec<String>>,
) -> Result<Vec<String>> {
    let subject = connection.names.subject(topic)?;
    let more = setup::create_stream(connection).await?;
    let mut notices = std::mem::take(&mut *unreported.lock());
    notices.extend(more);
    if !notices.is_empty() {
        return Ok(notices);
    }
    let info = info::require(connection).await?;
    if let Some(read_only) = info.read_only() {
        return Err(read_only);
    }
    if !info.covers(&subject) {
        let stream = &connection.names.stream;
        let message = format!("the stream `{stream}` exists and does not cover `{subject}`");
        return Err(error(ErrorKind::Configuration, message).hint(
            "`nats stream edit` adds a subject; `prefix` in the URL changes the prefix of topics",
        ));
    }
    Ok(notices)
}
