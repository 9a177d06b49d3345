//! `Transport::publish`: a batch is one write operation, stored or refused as a whole.

mod batch;
mod duplicates;
mod receipted;

pub(in crate::backends::sqlite) use self::{
    batch::{MAX_PAYLOAD, publish},
    receipted::receipted,
};
