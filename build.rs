//! In: where snn-runtime found libtorch. Out: that folder in the rpath of the examples, tests and benches, so that they also run
//! without cargo (`target/release/examples/train_fmnist`). With the feature `infer` alone there is none.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(lib) = std::env::var("DEP_SNN_RUNTIME_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
