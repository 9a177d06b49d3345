//! The exit of a child, observed without reaping it.
//!
//! Until it is reaped, a child keeps its process id, so its group can still be signalled.

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Reports whether the child has exited.
pub fn has_exited(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Waits until the child has exited. Blocks.
pub fn wait(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        waitid(WaitId::Pid(pid), options),
        Err(rustix::io::Errno::INTR)
    ) {}
}

/// Returns a descriptor that becomes readable when the child exits, where the system has one.
#[cfg(target_os = "linux")]
pub fn descriptor(pid: Pid) -> Option<std::os::fd::OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Returns a descriptor that becomes readable when the child exits, where the system has one.
#[cfg(not(target_os = "linux"))]
pub fn descriptor(_: Pid) -> Option<std::os::fd::OwnedFd> {
    None
}
