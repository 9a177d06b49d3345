//! Random choices that a seed repeats, and the seeds of the rounds of a test.

use crate::programs::is_long;

/// A small generator, so that a failing round can be run again by its seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Returns a number below that of the sides.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Returns an index below a length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).unwrap()
    }

    /// Returns one of several things.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.index(things.len())]
    }
}

/// Returns the seeds of rounds: a few, or many in the long tests, or those of `PF_TEST_SEEDS`, such as `17` or `120-500`.
pub fn seeds(few: u64, many: u64) -> Vec<u64> {
    let Ok(wanted) = std::env::var("PF_TEST_SEEDS") else {
        return (1..=if is_long() { many } else { few }).collect();
    };
    let (from, to) = wanted.split_once('-').unwrap_or((&wanted, &wanted));
    let number = |text: &str| -> u64 { text.trim().parse().unwrap() };
    (number(from)..=number(to)).collect()
}

/// Reports whether the rounds are all that a normal run has, so that they hit what they should.
pub fn is_whole() -> bool {
    std::env::var_os("PF_TEST_SEEDS").is_none()
}
