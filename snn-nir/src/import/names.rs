//! Names. In: what a file calls its nodes (`1_LIFNeuronTorch`, `lif1.w_rec`); out: names of Rust's, each once.

use std::collections::BTreeSet;

/// What a layer cannot be called: Rust's words, and the words and functions of the language.
const TAKEN: &[&str] = &[
    "abstract",
    "add",
    "as",
    "async",
    "await",
    "become",
    "block",
    "box",
    "break",
    "cat",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "forward",
    "gen",
    "if",
    "impl",
    "in",
    "last_step",
    "let",
    "loop",
    "macro",
    "match",
    "max_over_time",
    "mean_over_time",
    "mod",
    "move",
    "mul",
    "mut",
    "net",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "sew_add",
    "sew_and",
    "sew_iand",
    "stack",
    "static",
    "struct",
    "sum_over_time",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "x",
    "yield",
];

/// The names that are given so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A field's name for the node `name` of the type `kind`: `lif1_w_rec`, `conv2d_0`, with a number behind where it is taken.
    pub(super) fn field(&mut self, name: &str, kind: &str) -> String {
        let mut field = snake(name);
        if !field.starts_with(|c: char| c.is_ascii_lowercase()) {
            field = if field.is_empty() { kind.to_lowercase() } else { format!("{}_{field}", kind.to_lowercase()) };
        }
        if TAKEN.contains(&field.as_str()) {
            field.push('_');
        }
        let free = (1..).map(|n| if n == 1 { field.clone() } else { format!("{field}_{n}") }).find(|name| !self.0.contains(name));
        let free = free.unwrap_or(field);
        self.0.insert(free.clone());
        free
    }
}

/// `LIFNeuron.w-rec` is `lifneuron_w_rec`.
fn snake(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// `lif_norse` is `LifNorse`; a name that begins with a digit gets an `N` in front.
pub(super) fn camel(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("N{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_get_names_of_rust() {
        let mut names = Names::default();
        for (node, kind, field) in [
            ("0", "Conv2d", "conv2d_0"),
            ("1_LIFNeuronTorch", "LIF", "lif_1_lifneurontorch"),
            ("lif1.w_rec", "Affine", "lif1_w_rec"),
            ("lif1_w-rec", "Affine", "lif1_w_rec_2"),
            ("add", "Affine", "add_"),
            ("type", "LIF", "type_"),
            ("..", "LIF", "lif"),
            ("größe", "LIF", "gr_e"),
        ] {
            assert_eq!(names.field(node, kind), field);
        }
    }

    #[test]
    fn nets_are_named_after_files() {
        assert_eq!(["lif_norse", "braille_noDelay-1", "2nd", ""].map(camel), ["LifNorse", "BrailleNoDelay1", "N2nd", "N"]);
    }
}
