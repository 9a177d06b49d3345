//! `Transport::tail`: batches in order of position, by short reads of whatever file is at the store's path.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::Connection;

use super::query::{self, LogRange, Page, Wanted};
use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            change_notifier::{ChangeNotifier, ChangeSubscription},
            file::open_files::FileId,
            log,
            reader::Reader,
            session::store_name,
            write::{transaction::OpKind, writer::Writer},
        },
        delay,
        error::store_error,
    },
    event::Stored,
    lock::Mutex,
    transport::{ErrorKind, Result, Tail, TailRequest},
};

/// How long to wait where nothing is known to be due.
const IDLE_WAIT: Duration = Duration::from_secs(1);

/// An open tail.
#[derive(Debug)]
pub(crate) struct SqliteTail {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
    watcher: ChangeSubscription,
    wanted: Arc<Mutex<Wanted>>,
    place: TailPosition,
    /// The time of the last read.
    seen: i64,
    end: Option<i64>,
    /// The missing store was reported.
    is_waiting: bool,
}

/// The position of a tail, and its file.
#[derive(Debug)]
struct TailPosition {
    file: FileId,
    /// The store's own name, which a copy of it shares.
    store: String,
    after: i64,
    /// Gaps up to this position were reported.
    reported: i64,
}

/// Opens a tail.
pub(crate) async fn tail(
    reader: &Arc<Reader>,
    writer: &Arc<Writer>,
    notifier: &Arc<ChangeNotifier>,
    request: TailRequest,
) -> Result<Box<dyn Tail>> {
    fire_due(reader, writer).await?;
    let wanted = Arc::new(Mutex::new(Wanted::new(request.patterns)));
    let (from, seen) = (request.from, timestamp::now());
    let start = {
        let wanted = Arc::clone(&wanted);
        move |connection: &Connection| {
            let end = log::last_seq_of(connection)?;
            let mut wanted = wanted.lock();
            wanted.learn(connection)?;
            let after = query::start(connection, &wanted, from, end)?;
            let store = store_name(connection)?;
            Ok((store, after, wanted.removed(connection)?, end))
        }
    };
    let (file, (store, after, reported, end)) = reader.read_with_file(start).await?;
    Ok(Box::new(SqliteTail {
        reader: Arc::clone(reader),
        writer: Arc::clone(writer),
        watcher: notifier.watch(),
        wanted,
        place: TailPosition {
            file,
            store,
            after,
            reported,
        },
        seen,
        end: request.until_end.then_some(end),
        is_waiting: false,
    }))
}

#[async_trait]
impl Tail for SqliteTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            self.reader.connections().report()?;
            let mut wait = IDLE_WAIT;
            if let Some(page) = self.page(max).await? {
                self.skip_gap(&page)?;
                self.place.after = page.reached;
                if !page.found.is_empty() {
                    return Ok(page.found);
                }
                if self.end.is_some_and(|end| self.place.after >= end) {
                    return Ok(Vec::new());
                }
                if !page.last {
                    continue;
                }
                let now = timestamp::now();
                if page.due.is_some_and(|due| due <= now) && fire(&self.writer).await {
                    continue;
                }
                let due = page.due.filter(|due| *due > now).map(timestamp::time_until);
                wait = due.map_or(IDLE_WAIT, |due| due.min(IDLE_WAIT));
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn until_end(&mut self) -> Result<()> {
        fire_due(&self.reader, &self.writer).await?;
        loop {
            let (file, end) = self.reader.read_with_file(log::last_seq_of).await?;
            if file == self.place.file {
                self.end.get_or_insert(end);
                return Ok(());
            }
            self.reposition().await?;
        }
    }
}

impl SqliteTail {
    /// Reads the next page; none if there is no store at the moment.
    async fn page(&mut self, max: usize) -> Result<Option<Page>> {
        loop {
            let began = timestamp::now();
            match self.read(max).await {
                Ok((file, page)) if file == self.place.file => {
                    (self.seen, self.is_waiting) = (began, false);
                    return Ok(Some(page));
                }
                Ok(_) => {
                    self.reposition().await?;
                    self.reader.connections().report()?;
                }
                Err(error) if error.is_transient() && self.has_moved() => {
                    let message = error.message().to_owned();
                    let was_waiting = std::mem::replace(&mut self.is_waiting, true);
                    if self.end.is_some() {
                        return Err(self.unfinished());
                    }
                    if was_waiting {
                        return Ok(None);
                    }
                    let notice = format!("{message}; waiting for a store at that path");
                    return Err(store_error(ErrorKind::Warning, notice));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&self, max: usize) -> Result<(FileId, Page)> {
        let wanted = Arc::clone(&self.wanted);
        let range = LogRange {
            after: self.place.after,
            end: self.end.unwrap_or(i64::MAX),
        };
        self.reader
            .read_with_file(move |connection| {
                let mut wanted = wanted.lock();
                let transaction = connection.unchecked_transaction()?;
                wanted.learn(&transaction)?;
                let mut page = query::read(&transaction, &wanted, range, max)?;
                page.removed = wanted.removed(&transaction)?;
                page.due = delay::next_due(&transaction)?;
                Ok(page)
            })
            .await
    }

    fn has_moved(&self) -> bool {
        FileId::of(&self.reader.config().path) != Some(self.place.file)
    }

    /// Continues in the file that is at the path now. Of a copy of the same store, messages stored since the last
    /// read are new; of another store, all are.
    async fn reposition(&mut self) -> Result<()> {
        if self.end.is_some() {
            return Err(self.unfinished());
        }
        let wanted = Arc::clone(&self.wanted);
        let (store, after, seen) = (self.place.store.clone(), self.place.after, self.seen);
        let find = move |connection: &Connection| {
            let mut wanted = wanted.lock();
            wanted.forget();
            wanted.learn(connection)?;
            let name = store_name(connection)?;
            let after = if name == store {
                after.min(log::first_at(connection, seen)? - 1)
            } else {
                0
            };
            Ok((name, after, wanted.removed(connection)?))
        };
        let (file, (store, after, reported)) = self.reader.read_with_file(find).await?;
        let part = if store == self.place.store {
            "the new messages of the new file"
        } else {
            "the beginning of the new file"
        };
        let path = self.reader.config().path.display();
        self.reader.connections().add_notice(format!(
            "`{path}` was replaced while it was read; continuing with {part}"
        ));
        self.place = TailPosition {
            file,
            store,
            after,
            reported,
        };
        Ok(())
    }

    fn unfinished(&self) -> crate::transport::TransportError {
        let path = self.reader.config().path.display();
        let message = format!("`{path}` was removed or replaced before its end was reached");
        store_error(ErrorKind::Other, message).hint("run it again on the new store")
    }

    fn skip_gap(&mut self, page: &Page) -> Result<()> {
        let place = &mut self.place;
        let gap = page.removed > place.reported && page.removed > place.after;
        place.reported = place.reported.max(page.removed);
        if !gap {
            return Ok(());
        }
        Err(store_error(
            ErrorKind::Gap,
            format!("retention deleted unread messages up to {}", page.removed),
        ))
    }
}

/// Fires the schedules that are due by now.
async fn fire_due(reader: &Arc<Reader>, writer: &Writer) -> Result<()> {
    let due = reader.read(delay::next_due).await?;
    if due.is_some_and(|due| due <= timestamp::now()) {
        fire(writer).await;
    }
    Ok(())
}

/// Fires due schedules; a store that cannot be written is read as it is.
async fn fire(writer: &Writer) -> bool {
    let fired = writer
        .write(OpKind::Fire, |session| {
            let now = timestamp::now();
            while delay::fire(session, now)? {}
            Ok(())
        })
        .await;
    fired.is_ok()
}
