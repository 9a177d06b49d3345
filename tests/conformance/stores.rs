//! A new store for each case.

use std::sync::Arc;

use async_trait::async_trait;
use protoflow::{
    backends::memory::Memory,
    transport::{Result, Transport, conformance::Store},
};

/// A store in this process.
#[derive(Clone)]
pub(crate) struct InMemory(Memory);

impl InMemory {
    pub(crate) fn new() -> Self {
        Self(Memory::new())
    }
}

#[async_trait]
impl Store for InMemory {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.0.clone()))
    }
}

/// A file in a folder of its own.
#[cfg(feature = "sqlite")]
pub(crate) struct OnDisk(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl OnDisk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

#[cfg(feature = "sqlite")]
#[async_trait]
impl Store for OnDisk {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        use protoflow::backends::{OpenOptions, Registry};

        let file = self.0.path().join("store.db");
        let url = format!("sqlite:{}", file.display()).parse();
        let url = url.expect("a path makes a URL");
        let options = OpenOptions {
            create: true,
            ..OpenOptions::default()
        };
        Registry::builtin().open(&url, options).await
    }
}
