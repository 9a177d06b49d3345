//! Validation before an event is published, so that every official SDK can read it.

use crate::event::{
    Data, Envelope, EventError, Message, attributes::rules, codec::read::read_draft, json::write,
};

/// Validates a message strictly, as is required before it is published.
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
    rules::check_attributes(envelope.attributes())?;
    rules::check_extensions(&envelope.extensions)?;
    match &envelope.data {
        Data::Base64(text) if write::from_base64(text).is_none() => {
            Err(EventError::Data("is not valid base64".to_owned()))
        }
        _ => Ok(()),
    }
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
                "attribute `id` occurs twice",
            ),
        ] {
            assert_eq!(verdict(members), expected, "{members}");
        }
        for (members, expected) in [
            (r#""time":"2026-11-22T01:57:54.107409358Z""#, "fine"),
            (r#""subject":null"#, "fine"),
            (r#""data":1,"data_base64":"AA==""#, "data occurs twice"),
            (r#""data":1,"data_base64":null"#, "fine"),
            (
                r#""Name":null"#,
                "attribute `Name` has a name with characters other than `a` to `z` and `0` to `9`",
            ),
            (r#""pf_delay_ms":null"#, "fine"),
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
        let name = "has a name with characters other than `a` to `z` and `0` to `9`";
        let value = "must be a string, a boolean or an integer of 32 bits";
        for (member, rule) in [
            ("\"my_name\":1", name),
            ("\"pf_mine\":1", name),
            ("\"Name\":1", name),
            ("\"\":1", name),
            ("\"n\":2147483648", value),
            ("\"n\":1.5", value),
            ("\"n\":{}", value),
            ("\"n\":1,\"n\":2", "occurs twice"),
            ("\"traceparent\":\"00-1\"", "is not a W3C trace parent"),
        ] {
            let said = verdict(&format!("\"id\":\"1\",\"source\":\"/s\",{member}"));
            assert!(said.ends_with(rule), "{member}: {said}");
        }
    }
}
