//! Notes of triage: rows by name.

use std::sync::Arc;

use rusqlite::Connection;

use crate::{
    backends::sqlite::{
        connection::{
            reader::Reader,
            write::{transaction::OpKind, writer::Writer},
        },
        error::{StoreResult, damaged},
    },
    transport::{Note, NoteName, Result},
};

/// Stores or removes a note.
pub(crate) async fn put(
    reader: &Reader,
    writer: &Writer,
    name: &NoteName,
    value: Option<String>,
) -> Result<()> {
    reader.require()?;
    let name = name.as_str().to_owned();
    writer
        .write(OpKind::Other, move |session| {
            let connection = &session.connection;
            if let Some(value) = &value {
                return store(connection, &name, value);
            }
            connection
                .prepare_cached("DELETE FROM notes WHERE name = ?1")?
                .execute([&name])?;
            Ok(())
        })
        .await
}

/// Stores a note within a transaction.
pub(crate) fn store(connection: &Connection, name: &str, value: &str) -> StoreResult<()> {
    let sql = "INSERT OR REPLACE INTO notes(name, value) VALUES(?1, ?2)";
    connection.prepare_cached(sql)?.execute([name, value])?;
    Ok(())
}

/// Reads the note of a name and those under it.
pub(crate) async fn read(reader: &Arc<Reader>, under: &NoteName) -> Result<Vec<Note>> {
    // All names that begin with `log.` are between `log.` and `log/`.
    let (name, end) = (under.as_str().to_owned(), format!("{under}/"));
    let start = format!("{under}.");
    reader
        .read(move |connection| {
            let sql = "SELECT name, value FROM notes \
                 WHERE name = ?1 OR name > ?2 AND name < ?3 ORDER BY name";
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query([&name, &start, &end])?;
            let mut notes = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let name = name.parse().map_err(|_| damaged("the name of a note"))?;
                let value = row.get(1)?;
                notes.push(Note { name, value });
            }
            Ok(notes)
        })
        .await
}
