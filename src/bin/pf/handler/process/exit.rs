//! The exit of a child, noticed without reaping it: until it is reaped its process id cannot belong to anybody else.

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Reports whether the child has ended, without reaping it.
pub fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Waits until the child has ended, without reaping it.
pub fn wait_for_end(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        waitid(WaitId::Pid(pid), options),
        Err(rustix::io::Errno::INTR)
    ) {}
}

/// Returns something that can be polled until the child ends, where the system has it.
#[cfg(target_os = "linux")]
pub fn end_of(pid: Pid) -> Option<std::os::fd::OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Returns something that can be polled until the child ends, where the system has it.
#[cfg(not(target_os = "linux"))]
pub fn end_of(_: Pid) -> Option<std::os::fd::OwnedFd> {
    None
}
