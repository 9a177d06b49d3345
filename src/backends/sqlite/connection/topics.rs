//! The topics of a store: listing and creating them.

use std::sync::Arc;

use super::{
    log::topic_id,
    reader::Reader,
    write::{transaction::OpKind, writer::Writer},
};
use crate::{backends::sqlite::error::damaged, event::Topic, transport::Result};

/// Lists the topics.
pub(crate) async fn list(reader: &Arc<Reader>) -> Result<Vec<Topic>> {
    reader
        .read(|connection| {
            let sql = "SELECT name FROM topics ORDER BY name";
            let mut select = connection.prepare_cached(sql)?;
            let names = select.query_map([], |row| row.get::<_, String>(0))?;
            names
                .map(|name| name?.parse().map_err(|_| damaged("a topic's name")))
                .collect()
        })
        .await
}

/// Creates a topic unless it exists.
pub(crate) async fn create(writer: &Writer, topic: &Topic) -> Result<()> {
    let topic = topic.clone();
    writer
        .write(OpKind::Other, move |session| {
            topic_id(session, &topic).map(drop)
        })
        .await
}
