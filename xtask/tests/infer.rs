//! What a program without libtorch is made of. In: the dependencies of `examples/infer`; out: that nothing of libtorch, C++ or CUDA is among
//! them.

use std::path::Path;
use std::process::Command;

#[test]
fn a_program_that_only_infers_needs_no_libtorch() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(root).args(["tree", "--package", "snn-example-infer", "--edges", "normal,build", "--prefix", "none"]);
    let out = tree.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"snn-infer") && names.contains(&"snn-kernels"), "{names:?}");
    for unwanted in ["snn-runtime", "tch", "torch-sys", "cc", "cudarc"] {
        assert!(!names.contains(&unwanted), "{unwanted} is among {names:?}");
    }
}
