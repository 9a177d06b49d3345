//! URLs of stores with more than one host.

use url::{ParseError, Url};

/// Parses the URL of a store. Further hosts, as in `nats://a:4222,b:4222/ORDERS`, become its parameter `servers`.
///
/// # Errors
/// If it is not a valid URL.
pub fn parse_url(text: &str) -> Result<Url, ParseError> {
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
}
