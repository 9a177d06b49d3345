//! Batches with receipts: one row for each name, changed in the transaction of the batch.
//!
//! The table is created by the first that needs it, so that a store without it stays readable by earlier versions.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{OptionalExtension as _, params};

use super::batch;
use crate::{
    backends::sqlite::{
        connection::{
            session::Session,
            write::{transaction::OpKind, writer::Writer},
        },
        error::{SCHEME, StoreResult, store_error},
    },
    transport::{BatchError, ErrorKind, Outgoing, ReceiptedPublisher, Result, TransportError},
};

/// Publishes batches under a name.
#[derive(Debug)]
struct SqliteBatches {
    writer: Arc<Writer>,
    name: String,
    fence: i64,
    receipt: Option<Bytes>,
}

/// Takes over the batches of a name.
pub(in crate::backends::sqlite) async fn receipted(
    writer: &Arc<Writer>,
    name: &str,
    fence: u64,
) -> Result<Box<dyn ReceiptedPublisher>> {
    let fence = i64::try_from(fence).unwrap_or(i64::MAX);
    let key = name.to_owned();
    let taken = writer.write(OpKind::Other, move |session| {
        session.execute(
            "CREATE TABLE IF NOT EXISTS receipts(\
             name TEXT PRIMARY KEY, fence INTEGER NOT NULL, receipt BLOB) WITHOUT ROWID",
        )?;
        if fence_of(session, &key)?.is_some_and(|known| known > fence) {
            return Err(fenced(&key).into());
        }
        let sql = "INSERT INTO receipts(name, fence) VALUES(?1, ?2) \
             ON CONFLICT(name) DO UPDATE SET fence = ?2 RETURNING receipt";
        let mut insert = session.connection.prepare_cached(sql)?;
        let receipt = insert.query_row(params![key, fence], |row| row.get(0))?;
        Ok(receipt)
    });
    let receipt: Option<Vec<u8>> = taken.await?;
    Ok(Box::new(SqliteBatches {
        writer: Arc::clone(writer),
        name: name.to_owned(),
        fence,
        receipt: receipt.map(Bytes::from),
    }))
}

fn fence_of(session: &Session, name: &str) -> StoreResult<Option<i64>> {
    let mut select = session
        .connection
        .prepare_cached("SELECT fence FROM receipts WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}

fn fenced(name: &str) -> TransportError {
    store_error(
        ErrorKind::Held,
        format!("another process publishes as `{name}`"),
    )
}

#[async_trait]
impl ReceiptedPublisher for SqliteBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.receipt.as_ref()
    }

    async fn publish(&mut self, batch: Vec<Outgoing>, receipt: Bytes) -> Result<(), BatchError> {
        BatchError::refuse_delays(SCHEME, &batch)?;
        if let Some((message, error)) = batch::first_too_large(&batch) {
            let message = Some(message);
            return Err(BatchError { message, error });
        }
        let (name, fence) = (self.name.clone(), self.fence);
        let stored = self.writer.write(OpKind::Publish, move |session| {
            if fence_of(session, &name)? != Some(fence) {
                return Err(fenced(&name).into());
            }
            batch::append_all(session, &batch)?;
            let sql = "UPDATE receipts SET receipt = ?2 WHERE name = ?1";
            let values = params![name, &receipt[..]];
            session.connection.prepare_cached(sql)?.execute(values)?;
            Ok(())
        });
        Ok(stored.await?)
    }
}
