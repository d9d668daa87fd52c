//! The code that is written for LIF, as a whole. `SNN_UPDATE=1 cargo test -p snn-macros expansion` rewrites what is expected: read the diff.

use std::path::Path;
use std::{env, fs};

use crate::neuron::compile;

const LIF: &str = r#"
    (crate)
    /// Leaky integrate and fire.
    pub neuron LIFNode {
        /// Membrane time constant in steps, greater than 1.
        tau: f64 = 2.0 where tau > 1.0, "it counts steps";
        /// Is the input divided by `tau`, too?
        decay_input: bool = true;
        base;

        step(x) {
            let h = if decay_input { v + (x - (v - rest)) / tau } else { v - (v - rest) / tau + x };
            let s = spike(h - v_threshold);
            v = reset(h, s);
            s
        }
    }
"#;

#[test]
fn lif() {
    let written = compile(LIF.parse().expect("tokens"));
    let file = syn::parse2(written).expect("Rust items");
    compare("lif.rs", &prettyplease::unparse(&file));
}

fn compare(name: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/neuron/tests/expansions").join(name);
    if env::var_os("SNN_UPDATE").is_some() {
        fs::write(&path, written).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(expected == written, "{} differs; `SNN_UPDATE=1` writes:\n{written}", path.display());
}
