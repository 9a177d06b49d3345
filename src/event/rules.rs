//! What an event must satisfy before it is published: every official SDK then reads it.

use super::{
    Data, Envelope, EventError, Message, TraceParent, draft::Extension, envelope::read_draft,
    grammar, json, names, scan::string_of,
};

/// Checks a message strictly, as it has to be before it is published.
///
/// # Errors
/// Names the first attribute that breaks a rule, and the rule.
pub fn validate(message: &Message) -> Result<(), EventError> {
    let (mut draft, form) = read_draft(message)?;
    match draft.flaw.take() {
        Some(flaw) => Err(flaw),
        None => check(&draft.finish(form)?),
    }
}

/// Checks attributes and data strictly.
pub(super) fn check(envelope: &Envelope<'_>) -> Result<(), EventError> {
    for (name, value) in attributes(envelope) {
        let control = has_control(value).then_some("contains a control character");
        if let Some(rule) = control.or_else(|| broken_form_rule(name, value)) {
            return Err(EventError::attribute(name, rule));
        }
    }
    check_extensions(&envelope.extensions)?;
    match &envelope.data {
        Data::Base64(text) if json::from_base64(text).is_none() => {
            Err(EventError::Data("is not valid base64".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Returns the attributes that are there and no extensions.
fn attributes<'e>(envelope: &'e Envelope<'_>) -> impl Iterator<Item = (&'static str, &'e str)> {
    let attributes = [
        ("id", Some(&envelope.id)),
        ("source", Some(&envelope.source)),
        ("type", Some(&envelope.ty)),
        ("subject", envelope.subject.as_ref()),
        ("time", envelope.time.as_ref()),
        ("datacontenttype", envelope.datacontenttype.as_ref()),
        ("dataschema", envelope.dataschema.as_ref()),
    ];
    let there = attributes.into_iter();
    there.filter_map(|(name, value)| Some((name, value?.as_ref())))
}

fn broken_form_rule(name: &str, value: &str) -> Option<&'static str> {
    match name {
        _ if value.is_empty() => Some("is empty"),
        "source" if !grammar::is_uri_reference(value) => Some("is not a URI reference"),
        "dataschema" if !grammar::is_absolute_uri(value) => Some("is not an absolute URI"),
        "time" if !grammar::is_timestamp(value) => {
            Some("is not a time as RFC 3339 has it (2026-11-22T01:57:54Z)")
        }
        "datacontenttype" if !grammar::is_media_type(value) => Some("is not a media type"),
        _ => None,
    }
}

/// Returns what is wrong with the first attribute that official SDKs refuse.
pub(super) fn refused(envelope: &Envelope<'_>) -> Option<EventError> {
    let broken = attributes(envelope).find_map(|(name, value)| {
        let rule = broken_form_rule(name, value)?;
        Some(EventError::attribute(name, rule))
    });
    let theirs = |name: &str| !names::is_protoflow(name);
    let others = envelope.extensions.iter().filter(|(name, _)| theirs(name));
    broken.or_else(|| {
        others.into_iter().find_map(|(name, json)| {
            let rule = broken_name_rule(name).or_else(|| broken_type_rule(json))?;
            Some(EventError::attribute(name.as_ref(), rule))
        })
    })
}

fn check_extensions(extensions: &[Extension<'_>]) -> Result<(), EventError> {
    for (name, json) in extensions {
        if let Some(rule) = broken_name_rule(name) {
            return Err(EventError::attribute(name.as_ref(), rule));
        }
        if let Some(rule) = broken_value_rule(name, json) {
            return Err(EventError::attribute(name.as_ref(), rule));
        }
    }
    if extensions.len() > 1 {
        let mut names: Vec<&str> = extensions.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(EventError::attribute(twice[0], "stands twice"));
        }
    }
    Ok(())
}

fn broken_name_rule(name: &str) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_lawful = !name.is_empty() && name.bytes().all(fits);
    (!is_lawful && !names::is_protoflow(name))
        .then_some("has a name that is not made of `a` to `z` and `0` to `9`")
}

fn broken_value_rule(name: &str, json: &str) -> Option<&'static str> {
    match string_of(json) {
        Some(Ok(text)) if has_control(&text) => Some("contains a control character"),
        Some(Ok(text)) if name == names::TRACEPARENT && text.parse::<TraceParent>().is_err() => {
            Some("is not a W3C trace parent")
        }
        Some(Ok(_)) => None,
        Some(Err(_)) => Some("is not valid Unicode"),
        None if names::is_protoflow(name) && json.parse::<i64>().is_ok() => None,
        None => broken_type_rule(json),
    }
}

fn broken_type_rule(json: &str) -> Option<&'static str> {
    let fits =
        json.starts_with('"') || matches!(json, "true" | "false") || json.parse::<i32>().is_ok();
    (!fits).then_some("must be a string, a boolean or an integer of 32 bits")
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(members: &str) -> String {
        let payload = format!(r#"{{"specversion":"1.0","type":"t",{members}}}"#);
        let message = Message::new("t".parse().unwrap(), payload);
        validate(&message).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn the_attribute_and_the_rule_are_named() {
        let base = r#""id":"1","source":"/s""#;
        for (members, expected) in [
            (r#""source":"/s""#, "attribute `id` is missing"),
            (r#""id":"","source":"/s""#, "attribute `id` is empty"),
            (r#""id":7,"source":"/s""#, "attribute `id` must be a string"),
            (
                r#""id":"1","source":"a b""#,
                "attribute `source` is not a URI reference",
            ),
            (
                r#""id":"1","source":"/%zz""#,
                "attribute `source` is not a URI reference",
            ),
            (
                r#""id":"1","source":"1a:b""#,
                "attribute `source` is not a URI reference",
            ),
            (r#""id":"1","source":"urn:a:b""#, "fine"),
            (
                r#""id":"1\u0000","source":"/s""#,
                "attribute `id` contains a control character",
            ),
            (
                r#""id":"1","id":"2","source":"/s""#,
                "attribute `id` stands twice",
            ),
        ] {
            assert_eq!(verdict(members), expected, "{members}");
        }
        for (members, expected) in [
            (r#""time":"2026-11-22T01:57:54.107409358Z""#, "fine"),
            (r#""subject":null"#, "fine"),
            (r#""data":1,"data_base64":"AA==""#, "data stands twice"),
            (r#""data_base64":"%""#, "data is not valid base64"),
            (
                r#""dataschema":"/x""#,
                "attribute `dataschema` is not an absolute URI",
            ),
            (r#""pf_attempt":3000000000"#, "fine"),
            (
                r#""pfmaxattempts":3000000000"#,
                "attribute `pfmaxattempts` must be a string, a boolean or an integer of 32 bits",
            ),
            (r#""n":2147483647"#, "fine"),
        ] {
            assert_eq!(verdict(&format!("{base},{members}")), expected, "{members}");
        }
    }

    #[test]
    fn extensions_are_what_every_sdk_reads() {
        let name = "has a name that is not made of `a` to `z` and `0` to `9`";
        let value = "must be a string, a boolean or an integer of 32 bits";
        for (member, rule) in [
            ("\"my_name\":1", name),
            ("\"pf_mine\":1", name),
            ("\"Name\":1", name),
            ("\"\":1", name),
            ("\"n\":2147483648", value),
            ("\"n\":1.5", value),
            ("\"n\":{}", value),
            ("\"n\":1,\"n\":2", "stands twice"),
            ("\"traceparent\":\"00-1\"", "is not a W3C trace parent"),
        ] {
            let said = verdict(&format!("\"id\":\"1\",\"source\":\"/s\",{member}"));
            assert!(said.ends_with(rule), "{member}: {said}");
        }
    }
}
