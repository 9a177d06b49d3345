//! Paths that cannot be used, in words: the system's messages leave out which part of a path is wrong.

use std::{fs, io, path::Path};

/// The longest name in a folder, in bytes, on the usual file systems.
const LONGEST_NAME: usize = 255;

/// Returns the part of a path that is wrong, where the system's error does not name it: a link that leads nowhere or
/// back to itself, a file in the place of a folder, a folder in the place of a file, a name that is too long.
#[must_use]
pub fn explain_path(path: &Path, error: &io::Error) -> Option<String> {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return None;
    }
    if error.kind() == io::ErrorKind::IsADirectory {
        return Some(format!("`{}` is a folder, not a file", path.display()));
    }
    if error.kind() == io::ErrorKind::InvalidFilename {
        return Some(too_long(path));
    }
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.retain(|part| !part.as_os_str().is_empty());
    parts
        .iter()
        .rev()
        .find_map(|part| wrong_part(part, *part == path))
}

/// Returns what is wrong with one part of a path, of which everything before is a folder.
fn wrong_part(part: &Path, is_last: bool) -> Option<String> {
    let shown = part.display();
    let found = fs::symlink_metadata(part).ok()?;
    match fs::metadata(part) {
        Ok(found) if !is_last && !found.is_dir() => {
            Some(format!("`{shown}` is a file, not a folder"))
        }
        Ok(_) => None,
        Err(_) if !found.is_symlink() => None,
        Err(error) => match error.kind() {
            io::ErrorKind::PermissionDenied => None,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let target = fs::read_link(part).ok()?;
                let target = target.display();
                Some(format!(
                    "`{shown}` is a link to `{target}`, which does not exist"
                ))
            }
            _ => Some(format!("`{shown}` is a link that leads back to itself")),
        },
    }
}

fn too_long(path: &Path) -> String {
    let lengths = path.iter().map(|name| (name.len(), name));
    match lengths.max() {
        Some((length, name)) if length > LONGEST_NAME => {
            let start: String = name.to_string_lossy().chars().take(20).collect();
            format!("the name `{start}…` is too long: {length} bytes, at most {LONGEST_NAME}")
        }
        _ => format!("the path is too long: {} bytes", path.as_os_str().len()),
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, path::PathBuf};

    use super::*;

    fn explained(path: &Path) -> Option<String> {
        explain_path(path, &fs::read(path).unwrap_err())
    }

    #[test]
    fn the_wrong_part_of_a_path_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        let long = "x".repeat(300);
        for (path, problem) in [
            (
                "dangling",
                "dangling` is a link to `nowhere`, which does not exist",
            ),
            (
                "dangling/x",
                "dangling` is a link to `nowhere`, which does not exist",
            ),
            ("a", "a` is a link that leads back to itself"),
            ("a/x/y", "a` is a link that leads back to itself"),
            ("file/x/y", "file` is a file, not a folder"),
            ("", "is a folder, not a file"),
            (&long, "xxxxx…` is too long: 300 bytes, at most 255"),
            (&"long/".repeat(1000), "the path is too long: 5"),
        ] {
            let text = explained(&at(path)).unwrap();
            assert!(text.contains(problem), "{path}: {text}");
        }
        assert_eq!(explained(&at("missing")), None);
        assert_eq!(explained(&at("missing/file")), None);
        assert_eq!(explained(&PathBuf::from("missing/relative")), None);
    }
}
