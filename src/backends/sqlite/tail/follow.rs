//! Reading without a group: batches in order of position, in short reads, of whatever store has the name.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::Connection;

use crate::{
    event::Stored,
    lock::Mutex,
    transport::{ErrorKind, Result, Tail, TailFrom, TailRequest},
};

use super::query::{self as page, Page, Wanted};
use crate::backends::sqlite::{
    codec::timestamp as clock,
    connection::change_notifier::{Wake, Watcher},
    connection::file::open_files::Identity,
    connection::log,
    connection::reader::Reader,
    connection::session::store_name,
    connection::write::transaction::Step,
    connection::write::writer::Writer,
    delay as schedules,
    error::{Outcome, refusal},
};

/// How long to wait where nothing is known to come.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open tail.
#[derive(Debug)]
pub(crate) struct Follow {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
    watcher: Watcher,
    wanted: Arc<Mutex<Wanted>>,
    place: Place,
    /// When it was read last.
    seen: i64,
    end: Option<i64>,
    /// It was said that the store is gone.
    is_waiting: bool,
}

/// How far a tail has come, and in which file.
#[derive(Debug)]
struct Place {
    file: Identity,
    /// The store's own name: a copy of a store has it too.
    store: String,
    after: i64,
    /// Up to where retention's removals were told of.
    told: i64,
}

/// Opens a tail.
pub(crate) async fn tail(
    reader: &Arc<Reader>,
    writer: &Arc<Writer>,
    wake: &Arc<Wake>,
    request: TailRequest,
) -> Result<Box<dyn Tail>> {
    fire_due(reader, writer).await?;
    let wanted = Arc::new(Mutex::new(Wanted::new(request.patterns)));
    let (from, seen) = (request.from, clock::now());
    let start = {
        let wanted = Arc::clone(&wanted);
        move |connection: &Connection| {
            let end = log::end_of(connection)?;
            let mut wanted = wanted.lock();
            wanted.learn(connection)?;
            let after = start(connection, &wanted, from, end)?;
            let store = store_name(connection)?;
            Ok((store, after, wanted.removed(connection)?, end))
        }
    };
    let (file, (store, after, told, end)) = reader.read_of(start).await?;
    Ok(Box::new(Follow {
        reader: Arc::clone(reader),
        writer: Arc::clone(writer),
        watcher: wake.watch(),
        wanted,
        place: Place {
            file,
            store,
            after,
            told,
        },
        seen,
        end: request.until_end.then_some(end),
        is_waiting: false,
    }))
}

#[async_trait]
impl Tail for Follow {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            self.reader.connections().tell()?;
            let mut wait = PATIENCE;
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
                let now = clock::now();
                if page.due.is_some_and(|due| due <= now) && fire(&self.writer).await {
                    continue;
                }
                let due = page.due.filter(|due| *due > now).map(clock::until);
                wait = due.map_or(PATIENCE, |due| due.min(PATIENCE));
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
            let (file, end) = self.reader.read_of(log::end_of).await?;
            if file == self.place.file {
                self.end.get_or_insert(end);
                return Ok(());
            }
            self.move_over().await?;
        }
    }
}

impl Follow {
    /// Reads on; none if there is no store at the moment.
    async fn page(&mut self, max: usize) -> Result<Option<Page>> {
        loop {
            let began = clock::now();
            match self.read(max).await {
                Ok((file, page)) if file == self.place.file => {
                    (self.seen, self.is_waiting) = (began, false);
                    return Ok(Some(page));
                }
                Ok(_) => {
                    self.move_over().await?;
                    self.reader.connections().tell()?;
                }
                Err(error) if error.is_transient() && self.has_moved() => {
                    let message = error.message().to_owned();
                    let told = std::mem::replace(&mut self.is_waiting, true);
                    if self.end.is_some() {
                        return Err(self.unfinished());
                    }
                    if told {
                        return Ok(None);
                    }
                    let notice = format!("{message}; waiting for a store of that name");
                    return Err(refusal(ErrorKind::Warning, notice));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&self, max: usize) -> Result<(Identity, Page)> {
        let wanted = Arc::clone(&self.wanted);
        let (after, end) = (self.place.after, self.end.unwrap_or(i64::MAX));
        self.reader
            .read_of(move |connection| {
                let mut wanted = wanted.lock();
                let transaction = connection.unchecked_transaction()?;
                wanted.learn(&transaction)?;
                let mut page = page::read(&transaction, &wanted, (after, end), max)?;
                page.removed = wanted.removed(&transaction)?;
                page.due = schedules::next_due(&transaction)?;
                Ok(page)
            })
            .await
    }

    fn has_moved(&self) -> bool {
        Identity::of(&self.reader.config().path) != Some(self.place.file)
    }

    /// Finds the place in the file that has the name now. Of a copy of the same store, what was stored since the last look
    /// is new; of another one, all is.
    async fn move_over(&mut self) -> Result<()> {
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
        let (file, (store, after, told)) = self.reader.read_of(find).await?;
        let part = if store == self.place.store {
            "what is new in the file"
        } else {
            "the beginning of the file"
        };
        let path = self.reader.config().path.display();
        self.reader.connections().say(format!(
            "`{path}` was replaced while it was read; going on with {part} that is there now"
        ));
        self.place = Place {
            file,
            store,
            after,
            told,
        };
        Ok(())
    }

    fn unfinished(&self) -> crate::transport::TransportError {
        let path = self.reader.config().path.display();
        let message = format!("`{path}` was removed or replaced before its end was reached");
        refusal(ErrorKind::Other, message).hint("run it again on the store that is there")
    }

    fn skip_gap(&mut self, page: &Page) -> Result<()> {
        let place = &mut self.place;
        let gap = page.removed > place.told && page.removed > place.after;
        place.told = place.told.max(page.removed);
        if !gap {
            return Ok(());
        }
        Err(refusal(
            ErrorKind::Gap,
            format!("retention removed messages up to {} unread", page.removed),
        ))
    }
}

/// Moves what is due by now into the log.
async fn fire_due(reader: &Arc<Reader>, writer: &Writer) -> Result<()> {
    let due = reader.read(schedules::next_due).await?;
    if due.is_some_and(|due| due <= clock::now()) {
        fire(writer).await;
    }
    Ok(())
}

/// Moves due events into the log; a store that cannot be written is read as it is.
async fn fire(writer: &Writer) -> bool {
    let fired = writer
        .write(Step::Fire, |session| {
            let now = clock::now();
            while schedules::fire(session, now)? {}
            Ok(())
        })
        .await;
    fired.is_ok()
}

/// Returns the position behind which to start.
fn start(connection: &Connection, wanted: &Wanted, from: TailFrom, end: i64) -> Outcome<i64> {
    match from {
        TailFrom::Now | TailFrom::Last(0) => Ok(end),
        TailFrom::Earliest => Ok(0),
        TailFrom::Time(time) => Ok(log::first_at(connection, clock::nanos(time))? - 1),
        TailFrom::Last(count) => last(connection, wanted, count),
    }
}

/// Finds the position before the last so many that match.
fn last(connection: &Connection, wanted: &Wanted, count: u64) -> Outcome<i64> {
    let sql = "SELECT seq FROM messages WHERE topic = ?1 AND only_group IS NULL \
         ORDER BY seq DESC LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    // The smallest of the `count` largest is at the root.
    let mut largest = std::collections::BinaryHeap::new();
    for topic in wanted.ids() {
        let mut rows = select.query([topic, limit])?;
        while let Some(row) = rows.next()? {
            largest.push(std::cmp::Reverse(row.get::<_, i64>(0)?));
            if largest.len() as u64 > count {
                largest.pop();
            }
        }
    }
    match largest.peek() {
        Some(std::cmp::Reverse(first)) if largest.len() as u64 == count => Ok(first - 1),
        _ => Ok(0),
    }
}
