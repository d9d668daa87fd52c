//! What rustc prints for a user's mistakes, whole and with underlines. In: one mistake per file of `tests/ui/`; out: the
//! `.stderr` beside it.
//!
//! The runtime is a stub (`ui/support/snn.rs`), so that libtorch is not built a second time. The hundreds of other mistakes
//! are in the annotated suite. `TRYBUILD=overwrite cargo test -p snn-macros --test ui` rewrites the `.stderr` files.

#[test]
fn mistakes() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    // Messages of rustc's own; they change with the toolchain, which `rust-toolchain.toml` pins.
    cases.compile_fail("tests/ui/rustc/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
