//! The framing of Confluent's schema registry: a zero byte, the id of a schema, and the path to a message in it.
//!
//! It is read from the documentation of Confluent's wire format. A protobuf message never begins with a zero byte, so that
//! framing cannot be taken for data.

use prost::encoding::decode_varint;
use prost_reflect::MessageDescriptor;

/// Bytes before the path: the zero byte and the id.
const HEAD: usize = 5;
/// The number of the list of messages among the fields of a file, and of that of nested ones in a message.
const IN_FILE: i32 = 4;
const NESTED: i32 = 3;

/// What stands before a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    /// The id of the schema.
    pub(crate) id: u32,
    /// The number of the message in its file, of one that is nested in it, and so on.
    path: Vec<i32>,
}

impl Framing {
    /// Reports whether this is the path of a message.
    pub(super) fn is_of(&self, message: &MessageDescriptor) -> bool {
        let mut kind = IN_FILE;
        let steps = self.path.iter().flat_map(|number| {
            let step = [kind, *number];
            kind = NESTED;
            step
        });
        steps.eq(message.path().iter().copied())
    }
}

/// Returns the framing, if there is one, and the message.
pub(crate) fn unframed(bytes: &[u8]) -> (Option<Framing>, &[u8]) {
    match framed(bytes) {
        Some((framing, message)) => (Some(framing), message),
        None => (None, bytes),
    }
}

fn framed(bytes: &[u8]) -> Option<(Framing, &[u8])> {
    let (head, mut rest) = bytes.split_at_checked(HEAD)?;
    let [0, id @ ..] = head else {
        return None;
    };
    let id = u32::from_be_bytes(id.try_into().ok()?);
    let count = zigzag(&mut rest)?;
    if usize::try_from(count).ok()? > rest.len() {
        return None;
    }
    let step = |_| zigzag(&mut rest).and_then(|step| i32::try_from(step).ok());
    let path: Vec<i32> = (0..count).map(step).collect::<Option<_>>()?;
    // The first message of a file is written as the count 0.
    let path = if path.is_empty() { vec![0] } else { path };
    Some((Framing { id, path }, rest))
}

fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let number = decode_varint(bytes).ok()?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_skipped() {
        let message = [0x08, 0x01];
        for (written, path) in [
            (&[0][..], vec![0]),
            (&[2, 0], vec![0]),
            (&[4, 2, 4], vec![1, 2]),
        ] {
            let framed = [&[0, 0, 0, 1, 2], written, &message].concat();
            let framing = Some(Framing { id: 258, path });
            assert_eq!(unframed(&framed), (framing, &message[..]));
        }
    }

    #[test]
    fn other_bytes_stay() {
        for bytes in [
            &[][..],
            &[0x08, 0x01],
            &[0, 0, 0, 1],
            &[0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 1, 4, 2],
        ] {
            assert_eq!(unframed(bytes), (None, bytes));
        }
    }
}
