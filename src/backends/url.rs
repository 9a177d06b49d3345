//! URLs of stores as people write them: with more than one host, and with paths that the system resolves.

use url::{ParseError, Url};

/// The scheme whose URLs have a path of the system.
const FILE_SCHEME: &str = "sqlite:";

/// Why a text is not the URL of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not a URL.
    #[error(transparent)]
    Invalid(#[from] ParseError),
    /// It has white space that a URL cannot hold. Parsers leave it out, and so would name another file or host.
    #[error("it has {}, which a URL cannot hold", name_of(*.0))]
    WhiteSpace(char),
}

/// Parses the URL of a store. Further hosts, as in `nats://a:4222,b:4222/ORDERS`, become its parameter `servers`. `..` in
/// the path of a file stays: what it leads to depends on links, which only the system knows.
///
/// # Errors
/// If it is not a valid URL.
pub fn parse_url(text: &str) -> Result<Url, UrlError> {
    if let Some(found) = lost_white_space(text) {
        return Err(UrlError::WhiteSpace(found));
    }
    if let Some(url) = with_parent_folders(text) {
        return Ok(url.parse()?);
    }
    Ok(with_servers(text)?)
}

fn with_servers(text: &str) -> Result<Url, ParseError> {
    let Some((before, behind)) = text.split_once("://") else {
        return text.parse();
    };
    let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
    let (authority, rest) = behind.split_at(end);
    let hosts = authority.rfind('@').map_or(0, |at| at + 1);
    let Some(comma) = authority[hosts..].find(',') else {
        return text.parse();
    };
    let (first, more) = authority.split_at(hosts + comma);
    let mut url: Url = format!("{before}://{first}{rest}").parse()?;
    let more = format!("servers={}", &more[1..]);
    let query = url.query().map(|query| format!("{query}&{more}"));
    url.set_query(Some(&query.unwrap_or(more)));
    Ok(url)
}

/// Returns the text behind the scheme, if the path is one of the system.
fn behind_file_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.trim_start().split_at_checked(FILE_SCHEME.len())?;
    scheme.eq_ignore_ascii_case(FILE_SCHEME).then_some(rest)
}

/// Returns white space that a parser would leave out. At the ends that changes no host, but the name of a file.
fn lost_white_space(text: &str) -> Option<char> {
    let is_file = behind_file_scheme(text).is_some();
    let text = if is_file { text } else { text.trim() };
    let within = text.chars().find(|c| matches!(c, '\t' | '\n' | '\r'));
    within.or_else(|| (is_file && text.ends_with(' ')).then_some(' '))
}

/// Returns the URL of an absolute path with `..`, in a form in which a parser does not resolve it.
fn with_parent_folders(text: &str) -> Option<String> {
    let rest = behind_file_scheme(text)?;
    let (path, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let without_host = path.strip_prefix("//").filter(|path| path.starts_with('/'));
    let path = without_host.unwrap_or(path).strip_prefix('/')?;
    let is_parent = |name: &str| name.to_ascii_lowercase().replace("%2e", ".") == "..";
    path.split('/')
        .any(is_parent)
        .then(|| format!("{FILE_SCHEME}%2F{path}{parameters}"))
}

fn name_of(white_space: char) -> &'static str {
    match white_space {
        '\t' => "a tab",
        '\n' => "a line break",
        '\r' => "a carriage return",
        _ => "a space at its end",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_hosts_become_a_parameter() {
        for (text, url) in [
            ("nats://a:1,b:2,c/S", "nats://a:1/S?servers=b:2,c"),
            ("nats://me:p,w@a,b:2", "nats://me:p,w@a?servers=b:2"),
            ("kafka://a,b?x=1,2", "kafka://a?x=1,2&servers=b"),
            ("nats://a/S?servers=b:2,c", "nats://a/S?servers=b:2,c"),
            ("sqlite:///var/a,b.db", "sqlite:///var/a,b.db"),
            ("sqlite:a,b.db", "sqlite:a,b.db"),
        ] {
            assert_eq!(parse_url(text).unwrap().as_str(), url);
        }
        assert!(parse_url("no url").is_err());
    }

    #[test]
    fn a_parent_folder_in_the_path_of_a_file_is_left_to_the_system() {
        for (text, path) in [
            ("sqlite:/a/../b.db?x=1", "%2Fa/../b.db"),
            ("sqlite:///a/%2E./b.db", "%2Fa/%2E./b.db"),
            ("SQLite:/..", "%2F.."),
            ("sqlite:../b.db", "../b.db"),
            ("sqlite:/a/..b/c", "/a/..b/c"),
        ] {
            let url = parse_url(text).unwrap();
            assert_eq!(url.path(), path, "{text}");
            assert_eq!(parse_url(url.as_str()).unwrap(), url, "it stays so");
        }
        assert_eq!(parse_url("nats://a/b/../c").unwrap().path(), "/c");
    }

    #[test]
    fn white_space_that_a_parser_leaves_out_is_refused() {
        for (text, found) in [
            ("sqlite:a\tb.db", '\t'),
            ("sqlite:/a.db\n", '\n'),
            ("sqlite:a.db?synchronous=off\r\n", '\r'),
            ("sqlite:a.db ", ' '),
            ("nats://ho\nst", '\n'),
        ] {
            assert_eq!(parse_url(text), Err(UrlError::WhiteSpace(found)));
        }
        assert_eq!(parse_url("nats://host\n").unwrap().as_str(), "nats://host");
        assert_eq!(parse_url("sqlite:a b.db").unwrap().path(), "a b.db");
    }
}
