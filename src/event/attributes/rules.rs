//! The rules that CloudEvents and every official SDK have for attributes.

use crate::event::{
    EventError, TraceParent, attributes::names, attributes::value::Extension, grammar,
    json::walk::string_of,
};

fn broken_form_rule(name: &str, value: &str) -> Option<&'static str> {
    match name {
        _ if value.is_empty() => Some("is empty"),
        "source" if !grammar::is_uri_reference(value) => Some("is not a URI reference"),
        "dataschema" if !grammar::is_absolute_uri(value) => Some("is not an absolute URI"),
        "time" if !grammar::is_timestamp(value) => {
            Some("is not a time in RFC 3339 (2026-11-22T01:57:54Z)")
        }
        "datacontenttype" if !grammar::is_media_type(value) => Some("is not a media type"),
        _ => None,
    }
}

/// Returns what is wrong with the first attribute that official SDKs refuse.
pub(in crate::event) fn refused<'e>(
    mut attributes: impl Iterator<Item = (&'static str, &'e str)>,
    extensions: &[Extension<'_>],
) -> Option<EventError> {
    let broken = attributes.find_map(|(name, value)| {
        let rule = broken_form_rule(name, value)?;
        Some(EventError::attribute(name, rule))
    });
    let theirs = |name: &str| !names::is_protoflow(name);
    let others = extensions.iter().filter(|(name, _)| theirs(name));
    broken.or_else(|| {
        others.into_iter().find_map(|(name, json)| {
            let rule = broken_name_rule(name).or_else(|| broken_type_rule(json))?;
            Some(EventError::attribute(name.as_ref(), rule))
        })
    })
}

/// Checks the attributes that are not extensions.
pub(in crate::event) fn check_attributes<'e>(
    attributes: impl Iterator<Item = (&'static str, &'e str)>,
) -> Result<(), EventError> {
    for (name, value) in attributes {
        let control = has_control(value).then_some("contains a control character");
        if let Some(rule) = control.or_else(|| broken_form_rule(name, value)) {
            return Err(EventError::attribute(name, rule));
        }
    }
    Ok(())
}

/// Checks names and values of extensions.
pub(in crate::event) fn check_extensions(extensions: &[Extension<'_>]) -> Result<(), EventError> {
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
            return Err(EventError::attribute(twice[0], "occurs twice"));
        }
    }
    Ok(())
}

/// Returns the rule that the name of an extension breaks, if it does.
pub(in crate::event) fn broken_name_rule(name: &str) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_lawful = !name.is_empty() && name.bytes().all(fits);
    (!is_lawful && !names::is_protoflow(name))
        .then_some("has a name with characters other than `a` to `z` and `0` to `9`")
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
