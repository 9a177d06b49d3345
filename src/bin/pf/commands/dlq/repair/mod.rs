//! `pf dlq edit` and `pf dlq replay --edit`: another event in place of that of a dead letter.

mod by_filter;
mod by_hand;
mod view;

pub use self::{by_filter::JqEdit, by_hand::EditArgs, view::EditView};
