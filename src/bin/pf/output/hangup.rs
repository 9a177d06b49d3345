//! Noticing that nobody reads stdout any more, without writing to it.

use std::{io, os::fd::AsFd as _};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::oneshot;

/// Waits until whoever read stdout has gone away; for ever where that cannot be told.
pub async fn reader_gone() {
    let (sender, gone) = oneshot::channel();
    // The end of the process ends this thread: nothing else would wake it.
    std::thread::spawn(move || {
        if hung_up(None) {
            let _ = sender.send(());
        }
    });
    if gone.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reports whether whoever read stdout has gone away.
pub fn is_reader_gone() -> bool {
    hung_up(Some(&Timespec::default()))
}

fn hung_up(patience: Option<&Timespec>) -> bool {
    let stdout = io::stdout();
    // No event is asked for: what is told anyway is that the other end was closed.
    let mut watched = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    while let Err(error) = poll(&mut watched, patience) {
        if error != Errno::INTR {
            return false;
        }
    }
    watched[0]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP)
}
