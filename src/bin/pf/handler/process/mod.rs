//! Processes of a handler: started in their own group, fed and read through pipes, on a pool of threads.

pub mod environment;
pub mod exit;
pub mod pipes;
pub mod process_group;
pub mod result_file;
pub mod stderr_tail;
pub mod stdin;
pub mod thread_pool;
