//! How a commit's metadata says what is settled behind the position, and which topic that is about.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::backends::kafka::connection::client::topic_ids::TopicIdentity;

/// The version of the notation, in front of it.
const VERSION: &str = "1:";
/// Stands before the identity: a run of no length, at which earlier versions stop reading, and what follows.
const BEHIND: [u8; 3] = [0, 0, 1];
/// The most bytes of metadata that a broker takes by default.
pub(crate) const ROOM: usize = 4096;

/// A run of offsets: from the first to before the second.
pub(crate) type Run = (i64, i64);

/// Writes runs as distances, as far as there is room, and the identity of the topic behind them; tells how many offsets
/// had no room.
pub(crate) fn write(
    position: i64,
    runs: &[Run],
    identity: Option<TopicIdentity>,
) -> (String, usize) {
    if runs.is_empty() && identity.is_none() {
        return (String::new(), 0);
    }
    let room = (ROOM - VERSION.len()) / 4 * 3 - BEHIND.len() - TopicIdentity::SIZE;
    let (mut bytes, mut at, mut written) = (Vec::new(), position, 0);
    for (from, to) in runs {
        let length = bytes.len();
        varint(&mut bytes, from - at);
        varint(&mut bytes, to - from);
        if bytes.len() > room {
            bytes.truncate(length);
            break;
        }
        at = *to;
        written += 1;
    }
    if let Some(identity) = identity {
        bytes.extend(BEHIND);
        bytes.extend(identity.write());
    }
    let left_out: i64 = runs[written..].iter().map(|(from, to)| to - from).sum();
    let text = format!("{VERSION}{}", STANDARD_NO_PAD.encode(bytes));
    (text, usize::try_from(left_out).unwrap_or(usize::MAX))
}

fn varint(bytes: &mut Vec<u8>, number: i64) {
    let mut number = u64::try_from(number).unwrap_or(0);
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}

/// Reads runs; metadata of other programs has none.
pub(crate) fn runs(position: i64, metadata: &str) -> Vec<Run> {
    read(position, metadata).0
}

/// Reads the identity of the topic.
pub(crate) fn identity(metadata: &str) -> Option<TopicIdentity> {
    read(0, metadata).1
}

fn read(position: i64, metadata: &str) -> (Vec<Run>, Option<TopicIdentity>) {
    let Some(bytes) = metadata
        .strip_prefix(VERSION)
        .and_then(|text| STANDARD_NO_PAD.decode(text).ok())
    else {
        return (Vec::new(), None);
    };
    let (mut runs, mut at, mut rest) = (Vec::new(), position, &bytes[..]);
    while !rest.starts_with(&BEHIND)
        && let (Some(gap), Some(length)) = (number(&mut rest), number(&mut rest))
    {
        let (Some(from), true) = (at.checked_add(gap), length > 0) else {
            break;
        };
        let Some(to) = from.checked_add(length) else {
            break;
        };
        runs.push((from, to));
        at = to;
    }
    let identity = rest.strip_prefix(&BEHIND).and_then(TopicIdentity::read);
    (runs, identity)
}

fn number(bytes: &mut &[u8]) -> Option<i64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return i64::try_from(number).ok();
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_metadata_is_none() {
        for text in ["", "x", "1:", "1:!", "2:AAA", "1:gICAgICAgICAgICAgIAB"] {
            assert_eq!(read(5, text), (Vec::new(), None), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_comes_back(position in 0_i64..1 << 40, topic in any::<Option<u128>>(), gaps in prop::collection::vec((1_i64..1 << 20, 1_i64..1 << 20), 0..50)) {
            let mut at = position;
            let runs: Vec<Run> = gaps
                .iter()
                .map(|(gap, length)| {
                    let run = (at + gap, at + gap + length);
                    at = run.1;
                    run
                })
                .collect();
            let identity = topic.map(|topic| TopicIdentity { cluster: 7, topic });
            let (text, left_out) = write(position, &runs, identity);
            prop_assert_eq!(left_out, 0);
            prop_assert_eq!(read(position, &text), (runs, identity));
        }
    }
}
