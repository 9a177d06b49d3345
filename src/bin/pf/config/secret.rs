//! Passwords: their sources, and masking them in output.

use std::{io::IsTerminal as _, path::Path};

use url::Url;

use super::{file::Profile, variable::variable};
use crate::error::{CliError, CliResult, Exit};

/// Query parameters that are secrets.
const SECRET_PARAMETERS: [&str; 6] = [
    "password",
    "token",
    "secret",
    "jwt",
    "key.pem",
    "oauthbearer.config",
];
/// Endings of such parameters that only name a place.
const PLACES: [&str; 4] = ["_file", "-file", ".url", ".location"];

/// Reports whether the URL holds a secret.
fn has_password(url: &Url) -> bool {
    url.password().is_some() || url.query_pairs().any(|(name, _)| is_secret(&name))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|part| name.contains(part))
        && !PLACES.iter().any(|end| name.ends_with(end))
}

/// Reports whether the user name is a token, which it is for NATS if there is no password.
fn has_token(url: &Url) -> bool {
    let is_nats = matches!(url.scheme(), "nats" | "tls");
    is_nats && !url.username().is_empty() && url.password().is_none()
}

/// Returns the URL with its secrets hidden.
pub fn masked(url: &Url) -> String {
    let mut url = url.clone();
    if has_token(&url) && url.set_username("***").is_err() {
        return format!("{}:***", url.scheme());
    }
    masked_for_user(&url)
}

/// Returns the URL with its secrets hidden, if its password is stored elsewhere and the user name is not a token.
pub fn masked_for_user(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return format!("{}:***", url.scheme());
    }
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let shown = if is_secret(&name) { "***" } else { &value };
                (name.to_string(), shown.to_owned())
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    // The form in which a parser leaves `..` alone.
    url.to_string().replacen("sqlite:%2F", "sqlite:/", 1)
}

/// Refuses a URL of a database with a password on the command line: PostgreSQL's own clients take it from elsewhere.
pub fn refuse_for_database(url: &Url, origin: &str) -> CliResult<()> {
    if url.password().is_none() && !url.query_pairs().any(|(name, _)| name == "password") {
        return refuse(url, true, origin);
    }
    let text = format!("a password in {origin} is visible to every user of this machine");
    Err(CliError::usage(text)
        .hint("leave only the user name in the URL, and set PGPASSWORD or PF_OUTBOX"))
}

/// Refuses a URL with a secret on the command line, where every user of the machine can see it. `is_user` means that the
/// password comes from elsewhere, so the user name is not a token.
pub fn refuse(url: &Url, is_user: bool, origin: &str) -> CliResult<()> {
    if has_password(url) {
        return Err(CliError::usage(format!(
            "a password in {origin} is visible to every user of this machine"
        ))
        .hint("put it into a file: `pf context add NAME --url URL --password-file FILE`")
        .hint("or set PF_PASSWORD and leave only the user name in the URL"));
    }
    if has_token(url) && !is_user {
        return Err(CliError::usage(format!(
            "a user name without a password is a token, and a token in {origin} is visible to every user of this machine"
        ))
        .hint("put it into a file: `pf context add NAME --url nats://HOST --password-file FILE`")
        .hint("or set PF_PASSWORD if it is a user name"));
    }
    Ok(())
}

/// Adds the password of a URL that names a user and has none.
pub fn complete(url: &mut Url, profile: &Profile, folder: &Path) -> CliResult<()> {
    if url.password().is_some() {
        return Ok(());
    }
    let password = if let Some(file) = &profile.password_file {
        Some(read(&folder.join(file))?)
    } else if url.username().is_empty() {
        None
    } else if let Some(password) = variable("PF_PASSWORD")? {
        Some(password)
    } else if profile.password_prompt {
        Some(ask(url)?)
    } else {
        None
    };
    if let Some(password) = password
        && url.set_password(Some(&password)).is_err()
    {
        return Err(CliError::configuration(format!(
            "`{}:` URLs cannot have a password",
            url.scheme()
        )));
    }
    Ok(())
}

fn read(path: &Path) -> CliResult<String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::file(Exit::Configuration, path, error).during(format!(
            "the password file {} cannot be read",
            path.display()
        ))
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask(url: &Url) -> CliResult<String> {
    if !std::io::stdin().is_terminal() {
        return Err(
            CliError::configuration("a password is needed and stdin is not a terminal")
                .hint("set PF_PASSWORD"),
        );
    }
    Ok(rpassword::prompt_password(format!(
        "password for {}: ",
        masked_for_user(url)
    ))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn secrets_are_seen_wherever_they_stand_and_masked() {
        for (text, shown) in [
            ("nats://me:secret@host/", Some("nats://me:***@host/")),
            (
                "kafka://host?sasl_password=x&a=1",
                Some("kafka://host?sasl_password=***&a=1"),
            ),
            (
                "kafka://host?sasl.password=x&ssl.key.location=k",
                Some("kafka://host?sasl.password=***&ssl.key.location=k"),
            ),
            ("kafka://host?sasl.oauthbearer.token.endpoint.url=u", None),
            ("pulsar://host?token=x", Some("pulsar://host?token=***")),
            ("kafka://me@host?password_file=p", None),
            ("sqlite:events.db", None),
        ] {
            assert_eq!(has_password(&url(text)), shown.is_some(), "{text}");
            assert_eq!(masked(&url(text)), shown.unwrap_or(text));
        }
    }

    #[test]
    fn a_user_of_nats_without_a_password_is_a_token() {
        assert!(has_token(&url("nats://t0ken@host")));
        assert_eq!(masked(&url("tls://t0ken@host/S")), "tls://***@host/S");
        assert!(!has_token(&url("nats://me:secret@host")));
        assert!(!has_token(&url("kafka://me@host")));
    }

    #[test]
    fn a_file_holds_the_password_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "p@ss\n").unwrap();
        let profile = Profile {
            password_file: Some("pw".into()),
            ..Profile::default()
        };
        let mut target = url("nats://me@host");
        complete(&mut target, &profile, folder.path()).unwrap();
        assert_eq!(target.password(), Some("p%40ss"));
        let mut missing = url("nats://me@host");
        assert!(complete(&mut missing, &profile, Path::new("/nowhere")).is_err());
    }
}
