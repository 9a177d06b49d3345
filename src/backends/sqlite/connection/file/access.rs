//! Owner and mode of the files beside a store: the write-ahead log, its index, and the liveness locks of consumers. Each
//! process creates them as its own user, under its own umask. Unless they follow the store's file, one run by root, or by
//! one member of a group that shares the store, locks out everybody else. SQLite copies mode and, as root, owner when it
//! creates its own two, but neither the group nor a later change.

#[cfg(target_os = "linux")]
use std::os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _};
use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

#[cfg(target_os = "linux")]
use rustix::fs::OFlags;
#[cfg(not(target_os = "linux"))]
use rustix::fs::{CWD, RawMode};
use rustix::{
    fs::{AtFlags, Gid, Mode, Uid, chownat},
    io::Errno,
    process::geteuid,
};

use crate::{
    backends::sqlite::{connection::config::Config, error::store_error},
    transport::{ErrorKind, TransportError},
};

/// Owner, group and permission bits of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Access {
    owner: u32,
    group: u32,
    mode: u32,
}

/// A file or folder whose access does not follow the store's file.
#[derive(Debug)]
pub(crate) struct Misfit {
    path: PathBuf,
    /// Users of the store cannot use it; otherwise, others can.
    pub(crate) locks_out: bool,
    found: fs::Metadata,
}

impl Access {
    /// Returns the access to a file, or to a folder. Some file systems make all files executable, which means nothing.
    fn of(found: &fs::Metadata) -> Self {
        let bits = if found.is_dir() { 0o777 } else { 0o666 };
        Self {
            owner: found.uid(),
            group: found.gid(),
            mode: found.mode() & bits,
        }
    }

    /// Returns what a folder beside this file needs: every reader of the file may enter it.
    fn of_folder(self) -> Self {
        let enter = (self.mode & 0o444) >> 2;
        Self {
            mode: self.mode | enter,
            ..self
        }
    }

    /// Reports whether someone whom `wanted` lets in is kept out. Root never is.
    fn locks_out(self, wanted: Self) -> bool {
        let class = |access: Self, shift: u32| (access.mode >> shift) & 0o7;
        let others = class(self, 0);
        let of_group = if self.group == wanted.group {
            class(self, 3)
        } else {
            others
        };
        let of_owner = match self.owner {
            owner if owner == wanted.owner => class(self, 6),
            _ => of_group,
        };
        let lacks = |given: u32, shift: u32| class(wanted, shift) & !given != 0;
        lacks(others, 0) || lacks(of_group, 3) || wanted.owner != 0 && lacks(of_owner, 6)
    }

    /// Reports whether someone is let in whom `wanted` keeps out.
    fn is_more_open(self, wanted: Self) -> bool {
        let group = if self.group == wanted.group {
            wanted.mode
        } else {
            wanted.mode << 3
        };
        self.mode & 0o007 & !wanted.mode != 0 || self.mode & 0o070 & !group != 0
    }
}

/// Gives a file or folder beside the store the owner, group and mode of the store's file, as far as this process may.
pub(crate) fn follow(config: &Config, path: &Path) {
    let Ok(store) = fs::metadata(&config.path).map(|found| Access::of(&found)) else {
        return;
    };
    if let Some((misfit, wanted)) = compare(store, path) {
        // What this process may not change is a finding of `pf doctor`.
        if let Err(error) = change(&misfit, wanted) {
            tracing::debug!(path = %path.display(), %error, "owner and mode cannot follow the store's file");
        }
    }
}

/// Gives SQLite's own files the owner, group and mode of the store's file.
pub(crate) fn follow_log(config: &Config) {
    for path in [config.log(), config.index()] {
        follow(config, &path);
    }
}

/// Returns the files and folders beside the store whose access does not follow it.
pub(crate) fn misfits(config: &Config) -> Vec<Misfit> {
    let folder = config.liveness_folder();
    let locks = fs::read_dir(&folder).into_iter().flatten();
    let locks = locks.filter_map(|lock| Some(lock.ok()?.path()));
    let paths = [config.log(), config.index(), folder].into_iter();
    misfits_of(config, paths.chain(locks))
}

fn misfits_of(config: &Config, paths: impl IntoIterator<Item = PathBuf>) -> Vec<Misfit> {
    let Ok(store) = fs::metadata(&config.path).map(|found| Access::of(&found)) else {
        return Vec::new();
    };
    let compared = paths.into_iter().filter_map(|path| compare(store, &path));
    compared.map(|(misfit, _)| misfit).collect()
}

/// Describes misfits: the first by name, the others by their number.
pub(crate) fn describe(misfits: &[Misfit]) -> Option<String> {
    let first = misfits
        .iter()
        .find(|misfit| misfit.locks_out)
        .or_else(|| misfits.first())?;
    let Access { owner, group, mode } = Access::of(&first.found);
    let path = first.path.display();
    let owner = if owner == 0 {
        "root".to_owned()
    } else {
        format!("uid {owner}")
    };
    let harm = if first.locks_out {
        "locks out users of the store"
    } else {
        "is open to others"
    };
    let others = match misfits.len() - 1 {
        0 => String::new(),
        1 => "; 1 more file is wrong".to_owned(),
        count => format!("; {count} more files are wrong"),
    };
    Some(format!(
        "`{path}` has owner {owner}, group {group} and mode {mode:04o}, unlike the store, and {harm}{others}"
    ))
}

/// Returns the command that fixes misfits: by `pf` itself if this user may, otherwise by root.
pub(crate) fn command(config: &Config, misfits: &[Misfit]) -> Option<String> {
    let store = Access::of(&fs::metadata(&config.path).ok()?);
    let may_fix = |misfit: &Misfit| {
        let Access { owner, group, .. } = Access::of(&misfit.found);
        geteuid().is_root() || owner == geteuid().as_raw() && group == store.group
    };
    if misfits.iter().all(may_fix) {
        return Some("pf doctor --fix".to_owned());
    }
    let folder = config.liveness_folder();
    let mut paths: Vec<&Path> = misfits
        .iter()
        .map(|misfit| match misfit.path.parent() {
            Some(parent) if parent == folder => parent,
            _ => &misfit.path,
        })
        .collect();
    paths.dedup();
    let quoted: Vec<String> = paths.into_iter().map(quote).collect();
    let (paths, Access { owner, group, mode }) = (quoted.join(" "), store);
    let class = |shift: u32| {
        let bits = (mode >> shift) & 0o7;
        let has = |bit: u32, letters| if bits & bit == 0 { "" } else { letters };
        format!("{}{}", has(4, "rX"), has(2, "w"))
    };
    let (user, team, others) = (class(6), class(3), class(0));
    Some(format!(
        "sudo chown -R {owner}:{group} {paths} && sudo chmod -R u={user},g={team},o={others} {paths}"
    ))
}

/// Returns why the store cannot be opened, if SQLite's own files keep this process out.
pub(crate) fn denied(config: &Config) -> Option<TransportError> {
    denied_by(config, [config.log(), config.index()])
}

/// Returns why the store cannot be used, if one of these keeps this process out.
pub(crate) fn denied_by(
    config: &Config,
    paths: impl IntoIterator<Item = PathBuf>,
) -> Option<TransportError> {
    let usable = |path: &Path| {
        use rustix::fs::{Access, access};
        access(path, Access::READ_OK | Access::WRITE_OK) != Err(Errno::ACCESS)
    };
    let mut misfits = misfits_of(config, paths);
    misfits.retain(|misfit| misfit.locks_out && !usable(&misfit.path));
    let text = describe(&misfits)?;
    let command = command(config, &misfits)?;
    Some(
        store_error(ErrorKind::Denied, text)
            .hint(format!("give it to the store's users: `{command}`")),
    )
}

/// Fixes every misfit.
pub(crate) fn fix(config: &Config) -> io::Result<()> {
    let store = Access::of(&fs::metadata(&config.path)?);
    for misfit in misfits(config) {
        if let Some((misfit, wanted)) = compare(store, &misfit.path) {
            change(&misfit, wanted)?;
        }
    }
    Ok(())
}

/// Compares a file or folder with the store's file; none if it is as it should be, or no file of a store.
fn compare(store: Access, path: &Path) -> Option<(Misfit, Access)> {
    let found = fs::symlink_metadata(path).ok()?;
    let wanted = match found.file_type() {
        kind if kind.is_dir() => store.of_folder(),
        kind if kind.is_file() && found.nlink() == 1 => store,
        _ => return None,
    };
    let actual = Access::of(&found);
    let locks_out = actual.locks_out(wanted);
    let misfit = Misfit {
        path: path.to_owned(),
        locks_out,
        found,
    };
    (locks_out || actual.is_more_open(wanted)).then_some((misfit, wanted))
}

/// Changes owner, group and mode.
fn change(misfit: &Misfit, wanted: Access) -> io::Result<()> {
    let actual = Access::of(&misfit.found);
    let is_root = geteuid().is_root();
    let owner = (is_root && actual.owner != wanted.owner).then(|| Uid::from_raw(wanted.owner));
    let group = (actual.group != wanted.group).then(|| Gid::from_raw(wanted.group));
    // A folder may hand its group down.
    let special = misfit.found.mode() & 0o7000;
    set(misfit, owner, group, special | wanted.mode)
}

/// Sets owner, group and mode of the very file that was looked at. A link is not followed: in a folder of another user
/// it may lead to a file of the system. `O_PATH`, as closing any other descriptor of SQLite's files would drop the locks
/// that this process holds on them.
#[cfg(target_os = "linux")]
fn set(misfit: &Misfit, owner: Option<Uid>, group: Option<Gid>, mode: u32) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::open(&misfit.path, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&handle)?;
    if (found.st_dev, found.st_ino) != (misfit.found.dev(), misfit.found.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    if owner.is_some() || group.is_some() {
        chownat(&handle, "", owner, group, AtFlags::EMPTY_PATH)?;
    }
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Sets owner, group and mode. A link is not followed: in a folder of another user it may lead to a file of the system.
#[cfg(not(target_os = "linux"))]
fn set(misfit: &Misfit, owner: Option<Uid>, group: Option<Gid>, mode: u32) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    if owner.is_some() || group.is_some() {
        chownat(CWD, &misfit.path, owner, group, flags)?;
    }
    let mode = Mode::from_raw_mode(RawMode::try_from(mode).map_err(io::Error::other)?);
    Ok(rustix::fs::chmodat(CWD, &misfit.path, mode, flags)?)
}

/// Quotes a path for a shell.
fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(owner: u32, group: u32, mode: u32) -> Access {
        Access { owner, group, mode }
    }

    #[test]
    fn a_file_fits_if_it_lets_in_the_users_of_the_store_and_no_others() {
        let store = access(1, 10, 0o660);
        for (side, locks_out, is_more_open) in [
            (access(1, 10, 0o660), false, false),
            (access(2, 10, 0o660), false, false),
            (access(0, 0, 0o600), true, false),
            (access(2, 2, 0o660), true, true),
            (access(1, 10, 0o600), true, false),
            (access(1, 10, 0o664), false, true),
            (access(0, 0, 0o666), false, true),
        ] {
            assert_eq!(side.locks_out(store), locks_out, "{side:?}");
            assert_eq!(side.is_more_open(store), is_more_open, "{side:?}");
        }
        let private = access(0, 0, 0o600);
        assert!(
            !access(1, 1, 0o600).locks_out(private),
            "root is never locked out"
        );
    }

    #[test]
    fn a_folder_can_be_entered_by_the_readers_of_the_store() {
        let folder = |mode| access(1, 1, mode).of_folder().mode;
        assert_eq!([0o600, 0o664, 0o640].map(folder), [0o700, 0o775, 0o750]);
    }
}
