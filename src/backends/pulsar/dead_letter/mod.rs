//! Dead letters: stored, read, counted, imported, and the journal that says which are resolved.
//!
//! The dead letters of a group and a topic are messages of `<topic>-<group>-DLQ`, as Java's clients name it. A durable
//! subscription, `pf-dlq`, keeps them: the broker empties and deletes topics that have none. Resolved letters are
//! acknowledged there, so that the broker may delete them; but a broker that crashes forgets the acknowledgements of the last
//! second, and those behind 10,000 gaps. What decides is the journal, the topic `pf.jobs`, which only the holder of the lease
//! can write. Readers leave out the letters that it names.
//!
//! Notes are the last messages of their names in the topic `pf.notes`.

pub(crate) mod decode;
pub(crate) mod foreign;
pub(crate) mod import;
pub(crate) mod internal_log;
pub(crate) mod journal;
pub(crate) mod notes;
pub(crate) mod scan;
pub(crate) mod stats;
pub(crate) mod store;
