//! The receipt of a batch: which rows it has, stored by the target together with their events.
//!
//! A relay that takes over reads the last receipt and deletes its rows before it publishes, because its predecessor may have
//! crashed between the two. Each row is named by its identifier and a hash of its event: a database that was restored
//! from a copy gives out identifiers a second time, and an unsent row must not be taken for a sent one.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// The first byte of a receipt.
const FORMAT: u8 = 1;

/// A row of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: i64,
    hash: u32,
}

impl Sent {
    /// Names a row.
    pub(super) fn of(id: i64, event: &str) -> Self {
        let digest = Sha256::digest(event.as_bytes());
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self { id, hash }
    }
}

/// Writes a receipt: about six bytes for each row.
pub(super) fn write(rows: impl IntoIterator<Item = Sent>) -> Bytes {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable_by_key(|row| row.id);
    let mut out = vec![FORMAT];
    let mut before = 0;
    for row in rows {
        write_number(&mut out, row.id.wrapping_sub(before).cast_unsigned());
        out.extend_from_slice(&row.hash.to_be_bytes());
        before = row.id;
    }
    out.into()
}

/// Reads a receipt; none if it is not one of this version.
pub(super) fn read(receipt: &[u8]) -> Option<Vec<Sent>> {
    let (&FORMAT, mut rest) = receipt.split_first()? else {
        return None;
    };
    let mut rows = Vec::new();
    let mut before = 0_i64;
    while !rest.is_empty() {
        let id = before.wrapping_add(read_number(&mut rest)?.cast_signed());
        let (hash, behind) = rest.split_first_chunk()?;
        rows.push(Sent {
            id,
            hash: u32::from_be_bytes(*hash),
        });
        (before, rest) = (id, behind);
    }
    Some(rows)
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_its_rows_and_their_events() {
        let rows = [9, 7, 300, i64::MAX].map(|id| Sent::of(id, "{}"));
        let receipt = write(rows);
        let read = read(&receipt).unwrap();
        assert_eq!(
            read.iter().map(|row| row.id).collect::<Vec<_>>(),
            [7, 9, 300, i64::MAX]
        );
        assert!(read.contains(&Sent::of(9, "{}")));
        assert!(
            !read.contains(&Sent::of(9, "{} ")),
            "another event under the same identifier"
        );
    }

    #[test]
    fn what_is_not_a_receipt_is_not_read() {
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x02"), None);
        let receipt = write([Sent::of(1, "a")]);
        assert_eq!(read(&receipt[..receipt.len() - 1]), None);
        assert_eq!(read(&[FORMAT]), Some(Vec::new()));
    }
}
