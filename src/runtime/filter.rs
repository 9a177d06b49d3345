//! jq filters over records.
/// A compiled filter.
#[derive(Debug)]
pub struct Filter {}
/// Why a filter cannot be used, one line that points at the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(pub String);
impl Filter {
    /// Compiles jq. # Errors points at the place
    pub fn compile(text: &str) -> Result<Self, FilterError> {
        let _ = text;
        todo!()
    }
    /// Reports whether the first output for this record (one line of `-o json`) is neither `false` nor `null`.
    /// # Errors if the filter fails on it
    pub fn matches(&self, record: &[u8]) -> Result<bool, FilterError> {
        let _ = record;
        todo!()
    }
}
