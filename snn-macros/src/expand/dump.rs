//! `SNN_NET_EXPAND=dir`: the expansion of every net, formatted, for reading. In: a net's tokens; out: `dir/Csnn.rs`.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;

/// Writes `dir/<net>.rs` if `SNN_NET_EXPAND` names a folder; says so on stderr if it cannot.
pub(super) fn write(net: &str, model: &TokenStream) {
    let Some(dir) = env::var_os("SNN_NET_EXPAND") else { return };
    let dir = Path::new(&dir);
    let path = dir.join(format!("{net}.rs"));
    let written = fs::create_dir_all(dir).and_then(|()| fs::write(&path, pretty(model)));
    if let Err(e) = written {
        eprintln!("snn_net!: SNN_NET_EXPAND: cannot write {}: {e}", path.display());
    }
}

/// Formatted where syn can read it, as one line of tokens otherwise.
pub(super) fn pretty(model: &TokenStream) -> String {
    match syn::parse2::<syn::File>(model.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(e) => format!("// not a Rust file: {e}\n{model}\n"),
    }
}
