//! Why a program cannot be run, where the system only says that it does not exist: the wrong part is often in its first
//! line.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io::Read as _,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// The first line is read up to this length; Linux reads 256 bytes.
const FIRST_LINE: u64 = 512;

/// Returns what to do about a command that cannot be run; none if nothing is wrong with it.
pub fn hint(words: &[OsString]) -> Option<String> {
    let program = words.first()?;
    let Some(path) = find(program) else {
        return hint_missing(program);
    };
    let shown = shell_words::quote(&path.to_string_lossy()).into_owned();
    if path.is_dir() {
        return Some(format!("`{shown}` is a folder, not a program"));
    }
    if access(&path, Access::EXEC_OK).is_err() {
        return Some(format!("make it executable: `chmod +x {shown}`"));
    }
    hint_first_line(&path, &shown)
}

fn hint_missing(program: &OsStr) -> Option<String> {
    let text = program.to_string_lossy();
    if text.split_whitespace().nth(1).is_some() {
        return Some(format!(
            "the whole command line is one word; give each word by itself: `-- {text}`, or run it in a shell: `-- sh -c {}`",
            shell_words::quote(&text)
        ));
    }
    let is_here = !text.contains('/') && Path::new(program).is_file();
    is_here.then(|| format!("a program in the working folder needs its path: `./{text}`"))
}

fn hint_first_line(path: &Path, shown: &str) -> Option<String> {
    let mut start = Vec::new();
    let file = File::open(path).ok()?;
    file.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    let Some(line) = line.strip_prefix(b"#!") else {
        let is_text = !start.is_empty() && std::str::from_utf8(&start).is_ok();
        return is_text.then(|| {
            format!("`{shown}` has no first line that names its interpreter, such as `#!/bin/sh`")
        });
    };
    if line.ends_with(b"\r") {
        return Some(format!(
            "`{shown}` has Windows line ends, so its interpreter is not found: `sed -i 's/\\r$//' {shown}` removes them"
        ));
    }
    let interpreter = missing_interpreter(line)?;
    Some(format!(
        "its interpreter `{interpreter}` does not exist: install it, or correct the first line of `{shown}`"
    ))
}

/// Returns the interpreter in a first line, if it does not exist. `env` looks for another one in the path.
fn missing_interpreter(line: &[u8]) -> Option<String> {
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()));
    let first = words.next()?;
    let is_env = Path::new(&first).file_name() == Some(OsStr::new("env"));
    let mut behind_env = words.filter(|word| {
        let word = word.as_bytes();
        !word.starts_with(b"-") && !word.contains(&b'=')
    });
    let program = match behind_env.next() {
        Some(program) if is_env && Path::new(&first).exists() => program,
        _ => first,
    };
    find(&program)
        .is_none()
        .then(|| program.to_string_lossy().into_owned())
}

/// Finds a program as the system does: by its path, or in the folders of `PATH`.
fn find(program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if program.as_bytes().contains(&b'/') {
        return path.exists().then(|| path.to_owned());
    }
    let folders = env::var_os("PATH")?;
    let mut candidates = env::split_paths(&folders).map(|folder| folder.join(path));
    candidates.find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_found_behind_env_and_its_flags() {
        let missing = |line: &str| missing_interpreter(line.as_bytes());
        assert_eq!(missing("/bin/sh -e"), None);
        assert_eq!(missing(" /usr/bin/env sh"), None);
        assert_eq!(missing("/usr/bin/env -S A=b sh -e"), None);
        assert_eq!(missing("/no/such/shell"), Some("/no/such/shell".to_owned()));
        assert_eq!(
            missing("/usr/bin/env no-such-shell"),
            Some("no-such-shell".to_owned())
        );
    }
}
