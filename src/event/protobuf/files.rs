//! The files of schemas: sources, which are compiled here, and descriptor sets.

use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;
use protox::Compiler;

use super::{MessageRule, ProtobufError, Schemas};

/// Where schemas are, and which topics have which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFiles {
    /// Sources (`.proto`), as paths or as imports are written.
    pub sources: Vec<PathBuf>,
    /// Folders that sources and imports are looked up in. Without one it is the folder of each source.
    pub include: Vec<PathBuf>,
    /// Descriptor sets, as `protoc --include_imports --descriptor_set_out` and `buf build` write them.
    pub sets: Vec<PathBuf>,
    /// Messages of topics; the first match applies.
    pub messages: Vec<MessageRule>,
}

impl SchemaFiles {
    /// Reports whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the files and compiles the sources. Blocks.
    ///
    /// # Errors
    /// If a file cannot be read or does not compile, which is named with its line and column, or a message is not in them.
    pub fn load(&self) -> Result<Schemas, ProtobufError> {
        let mut pool = self.compile()?;
        for path in &self.sets {
            let bytes = std::fs::read(path).map_err(|source| ProtobufError::File {
                path: path.clone(),
                source,
            })?;
            pool.decode_file_descriptor_set(&*bytes)
                .map_err(|error| ProtobufError::Set {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
        }
        Schemas::new(pool, &self.messages)
    }

    fn compile(&self) -> Result<DescriptorPool, ProtobufError> {
        if self.sources.is_empty() {
            return Ok(DescriptorPool::new());
        }
        let folders = self.sources.iter().map(|path| folder_of(path));
        let include: Vec<&Path> = if self.include.is_empty() {
            folders.collect()
        } else {
            self.include.iter().map(PathBuf::as_path).collect()
        };
        for source in &self.sources {
            let there = include.iter().any(|folder| folder.join(source).exists());
            if !there && let Err(error) = std::fs::metadata(source) {
                return Err(ProtobufError::File {
                    path: source.clone(),
                    source: error,
                });
            }
        }
        // Only its `Debug` has the place.
        let place = |error: protox::Error| ProtobufError::Schema(format!("{error:?}"));
        let mut compiler = Compiler::new(include).map_err(place)?;
        compiler.include_imports(true);
        compiler.include_source_info(true);
        compiler.open_files(&self.sources).map_err(place)?;
        Ok(compiler.descriptor_pool())
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
