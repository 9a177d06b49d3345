//! The conformance suite on the stores that need no server, and on stores with one deliberate fault each.

mod faults;
mod stores;

use protoflow::transport::conformance::faulty::{Fault, FaultyStore};

protoflow::conformance_suite!(memory, stores::InMemory::new());
#[cfg(feature = "sqlite")]
protoflow::conformance_suite!(sqlite, stores::OnDisk::new());
protoflow::conformance_suite!(
    wrapped,
    FaultyStore::new(stores::InMemory::new(), Fault::None)
);
