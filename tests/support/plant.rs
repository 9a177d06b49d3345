//! Faults that are planted among the messages of a replay, by someone who knows nothing of ours but the header of the lineage.

/// The header that says which dead letter a message replays.
const LINEAGE: &str = "pf-replay";

/// A message that replays a dead letter, as a raw client reads and writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub payload: Vec<u8>,
}

/// What each message of [`plant`] has to be found as: fourteen sorts of faults on seventeen messages, beside three without any.
pub const EXPECTED: [&str; 20] = [
    "once", "missing", "missing", "missing", "twice", "twice", "twice", "changed", "changed",
    "changed", "changed", "changed", "changed", "changed", "changed", "missing", "missing",
    "twice", "once", "once",
];

impl Planted {
    fn header(&mut self, name: &str) -> &mut Option<Vec<u8>> {
        let mut headers = self.headers.iter_mut();
        &mut headers.find(|(known, _)| known == name).unwrap().1
    }

    fn replace(&mut self, old: &str, new: &str) {
        let text = String::from_utf8(self.payload.clone()).unwrap();
        assert!(text.contains(old), "{text}");
        self.payload = text.replacen(old, new, 1).into_bytes();
    }
}

/// Returns the messages of a replay, of which each has an id such as `e7`, with faults among them.
pub fn plant(all: &[Planted]) -> Vec<Planted> {
    assert_eq!(all.len(), EXPECTED.len());
    let mut planted = all.to_vec();
    // Doubled: as it is, more than once, and with other bytes.
    planted.extend([
        all[4].clone(),
        all[5].clone(),
        all[5].clone(),
        all[6].clone(),
    ]);
    planted[23].payload = b"{}".to_vec();
    // Changed: the data, an attribute, nothing left, one header more, another value, another key.
    planted[7].replace("}}", "} }");
    planted[8].replace(r#""source":"s""#, r#""source":"t""#);
    planted[9].payload = Vec::new();
    planted[10]
        .headers
        .push(("x-more".to_owned(), Some(b"1".to_vec())));
    *planted[11].header("content-type") = Some(b"text/plain".to_vec());
    planted[12].key = Some(b"another".to_vec());
    // Swapped: each has the place of the other.
    let lineage = planted[13].header(LINEAGE).clone();
    let other = std::mem::replace(planted[14].header(LINEAGE), lineage);
    *planted[13].header(LINEAGE) = other;
    // Nobody can tell whose it is; it says that it is of another one.
    planted[15].headers.retain(|(name, _)| name != LINEAGE);
    let lineage = planted[17].header(LINEAGE).clone();
    *planted[16].header(LINEAGE) = lineage;
    // Removed: one, and two in a row.
    planted.drain(1..=3);
    planted
}
