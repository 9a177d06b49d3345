//! The conformance suite on the stores that need no server, and on stores with one deliberate fault each.

mod stores;

protoflow::conformance_suite!(memory, stores::InMemory::new());
#[cfg(feature = "sqlite")]
protoflow::conformance_suite!(sqlite, stores::OnDisk::new());
