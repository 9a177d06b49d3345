//! Detection of a closed stdout without writing to it.

use std::{io, os::fd::AsFd as _};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::oneshot;

/// Waits until stdout is closed by its reader; indefinitely where that cannot be detected.
pub async fn reader_gone() {
    let (sender, gone) = oneshot::channel();
    // Nothing wakes this thread but the close; it ends with the process.
    std::thread::spawn(move || {
        if hung_up(None) {
            let _ = sender.send(());
        }
    });
    if gone.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reports whether stdout was closed by its reader.
pub fn is_reader_gone() -> bool {
    hung_up(Some(&Timespec::default()))
}

fn hung_up(patience: Option<&Timespec>) -> bool {
    let stdout = io::stdout();
    // Without requested events, poll still reports ERR and HUP.
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
