//! In-process tests of the compiler: no rustc is started. `annotated` runs every file of `tests/annotated/` through the
//! front end and compares the messages with those written there; the others look at what `parse` returns.

mod annotated;
mod frozen;
mod grammar;
mod layer_docs;
mod mutation;
mod plan;
mod recovery;
mod support;
mod time;
