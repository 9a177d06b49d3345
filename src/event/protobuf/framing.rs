//! The framing of Confluent's schema registry: a zero byte, the id of a schema, and the path to a message in it.
//!
//! It is read from the documentation of Confluent's wire format. A protobuf message never begins with a zero byte, so that
//! framing cannot be taken for data.

use prost::encoding::decode_varint;

/// Bytes before the path: the zero byte and the id.
const HEAD: usize = 5;

/// Returns the id of the schema, if the bytes are framed, and the message.
pub(super) fn unframed(bytes: &[u8]) -> (Option<u32>, &[u8]) {
    match framed(bytes) {
        Some((id, message)) => (Some(id), message),
        None => (None, bytes),
    }
}

fn framed(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, mut rest) = bytes.split_at_checked(HEAD)?;
    let [0, id @ ..] = head else {
        return None;
    };
    // The count and each step are zigzag numbers; the first message of a file is written as the count 0.
    for _ in 0..zigzag(&mut rest)? {
        zigzag(&mut rest)?;
    }
    Some((u32::from_be_bytes(id.try_into().ok()?), rest))
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
        for path in [&[0][..], &[2, 0], &[4, 2, 4]] {
            let framed = [&[0, 0, 0, 1, 2], path, &message].concat();
            assert_eq!(unframed(&framed), (Some(258), &message[..]));
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
