//! A transport for your own tests: it records what is published and feeds what you give it.
