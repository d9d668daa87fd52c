//! What names may have been meant. In: what a model misses and what a file has too much, with their shapes; out: renames that make them one.

use std::collections::BTreeMap;

/// Names that have no partner.
pub(super) struct Side<'a> {
    names: Sizes<'a>,
    /// Layers in the order of the net, as far as it is known.
    layers: Vec<Layer<'a>>,
}

/// Names and their sizes.
type Sizes<'a> = Vec<(&'a str, Vec<usize>)>;

struct Layer<'a> {
    name: &'a str,
    /// `weight` and its sizes, sorted.
    weights: Sizes<'a>,
}

impl<'a> Side<'a> {
    /// `place` is where a name stands in the net, if that is known.
    pub(super) fn new(names: Sizes<'a>, place: impl Fn(&str) -> Option<usize>) -> Side<'a> {
        let mut layers: BTreeMap<&str, (usize, Sizes<'_>)> = BTreeMap::new();
        for (name, shape) in &names {
            let (layer, weight) = name.rsplit_once('.').unwrap_or(("", name));
            let (first, weights) = layers.entry(layer).or_insert((usize::MAX, Vec::new()));
            *first = (*first).min(place(name).unwrap_or(usize::MAX));
            weights.push((weight, shape.clone()));
        }
        let mut layers: Vec<(usize, Layer<'a>)> = layers
            .into_iter()
            .map(|(name, (first, mut weights))| {
                weights.sort();
                (first, Layer { name, weights })
            })
            .collect();
        layers.sort_by_key(|(first, _)| *first);
        Side { names, layers: layers.into_iter().map(|(_, layer)| layer).collect() }
    }

    fn shape(&self, name: &str) -> Option<&Vec<usize>> {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape)
    }
}

/// A rename that would help.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    from: String,
    to: String,
    /// Others have the same shapes: paired by their order.
    by_order: bool,
}

/// Renames of the file's names. `ordered`: the file's names are in the order of its net; `alone`: no name fits as it is.
pub(super) fn pairs(missing: &Side<'_>, unexpected: &Side<'_>, ordered: bool, alone: bool) -> Vec<Pair> {
    if let Some(prefix) = prefix(missing, unexpected) {
        return vec![Pair { from: prefix, to: String::new(), by_order: false }];
    }
    if let Some(prefix) = prefix(unexpected, missing).filter(|_| alone) {
        return vec![Pair { from: String::new(), to: prefix, by_order: false }];
    }
    let mut pairs = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for layer in &unexpected.layers {
        let same = |side: &'_ Side<'_>| side.layers.iter().filter(|l| l.weights == layer.weights).count();
        let (wanted, given) = (same(missing), same(unexpected));
        if layer.name.is_empty() || wanted != given || (given > 1 && !ordered) {
            continue;
        }
        let nth = unexpected.layers.iter().filter(|l| l.weights == layer.weights).position(|l| l.name == layer.name);
        let partner = nth.and_then(|n| missing.layers.iter().filter(|l| l.weights == layer.weights).nth(n));
        if let Some(partner) = partner.filter(|partner| !partner.name.is_empty()) {
            pairs.push(Pair { from: layer.name.into(), to: partner.name.into(), by_order: given > 1 });
            done.extend([layer.name, partner.name]);
        }
    }
    // Single names, by their spelling.
    let left = |names: &[(&str, Vec<usize>)]| -> Vec<String> {
        let of_done = |name: &str| name.rsplit_once('.').is_some_and(|(layer, _)| done.contains(&layer));
        names.iter().map(|(name, _)| name.to_string()).filter(|name| !of_done(name)).collect()
    };
    let mut given = left(&unexpected.names);
    for wanted in left(&missing.names) {
        let fits = given.iter().filter(|name| unexpected.shape(name) == missing.shape(&wanted)).cloned();
        if let Some(from) = closest(&wanted, fits) {
            given.retain(|name| *name != from);
            pairs.push(Pair { from, to: wanted, by_order: false });
        }
    }
    pairs
}

/// What stands before all names of `longer`, if without it they are those of `shorter`.
fn prefix(shorter: &Side<'_>, longer: &Side<'_>) -> Option<String> {
    let (first, _) = longer.names.first()?;
    let fits = |prefix: &&str| {
        let stripped = |name: &str| name.strip_prefix(*prefix).and_then(|rest| rest.strip_prefix('.')).map(str::to_string);
        longer.names.len() == shorter.names.len()
            && longer.names.iter().all(|(name, shape)| stripped(name).is_some_and(|name| shorter.shape(&name) == Some(shape)))
    };
    first.match_indices('.').map(|(dot, _)| &first[..dot]).find(fits).map(str::to_string)
}

/// The candidate that is spelled most like `name`, if that may be what was meant.
pub(super) fn closest(name: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let alike = candidates.into_iter().map(|candidate| (strsim::normalized_damerau_levenshtein(name, &candidate), candidate));
    alike.filter(|(alike, _)| *alike >= 0.6).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, candidate)| candidate)
}

/// What to do about it.
pub(super) fn help(pairs: &[Pair], names: bool, shapes: &[String]) -> String {
    let mut help = Vec::new();
    if !pairs.is_empty() {
        let order = match pairs.iter().any(|pair| pair.by_order) {
            true => ", in their order where several have the same",
            false => "",
        };
        let rules: String = pairs.iter().map(|pair| format!("\n            .rename({:?}, {:?})", pair.from, pair.to)).collect();
        help.push(format!(
            "by their shapes these may be the same{order}: `load_with(&vs, path, &map)` with\n        let map = KeyMap::new(){rules};"
        ));
    } else if names {
        help.push("`load_with` takes a map of names: `KeyMap::new().rename(\"name in the file\", \"name in the model\")`; `.strict(false)` loads what fits".into());
    }
    if let Some(first) = shapes.first() {
        let name = first.split(' ').next().unwrap_or(first);
        let layer = name.rsplit_once('.').map_or(name, |(layer, _)| layer);
        help.push(format!(
            "to keep the model's own, `KeyMap::new().ignore({layer:?}).strict(false)`, where {layer:?} is its name in the file"
        ));
    }
    help.join("\n  help: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names<'a> = &'a [(&'a str, &'a [usize])];

    fn side<'a>(names: Names<'a>) -> Side<'a> {
        let names: Vec<(&str, Vec<usize>)> = names.iter().map(|(name, shape)| (*name, shape.to_vec())).collect();
        let order: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Side::new(names, |name| order.iter().position(|known| *known == name))
    }

    fn found(missing: Names<'_>, unexpected: Names<'_>, ordered: bool) -> Vec<(String, String)> {
        pairs(&side(missing), &side(unexpected), ordered, true).into_iter().map(|pair| (pair.from, pair.to)).collect()
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.into(), to.into())
    }

    #[test]
    fn layers_of_the_same_shapes_pair_up() {
        let model: Names<'_> = &[("conv1.weight", &[4, 1, 3, 3]), ("bn.weight", &[4]), ("bn.bias", &[4]), ("fc.weight", &[10, 4])];
        let file: Names<'_> = &[("net.0.weight", &[4, 1, 3, 3]), ("net.1.bias", &[4]), ("net.1.weight", &[4]), ("net.7.weight", &[10, 4])];
        assert_eq!(found(model, file, false), [pair("net.0", "conv1"), pair("net.1", "bn"), pair("net.7", "fc")]);
    }

    #[test]
    fn twins_pair_up_only_where_the_order_is_known() {
        let (model, file): (Names<'_>, Names<'_>) = (&[("decoder.w", &[4]), ("encoder.w", &[4])], &[("0.w", &[4]), ("1.w", &[4])]);
        assert_eq!(found(model, file, true), [pair("0", "decoder"), pair("1", "encoder")]);
        assert_eq!(found(model, file, false), []);
    }

    #[test]
    fn a_prefix_is_one_rename() {
        let (long, short): (Names<'_>, Names<'_>) = (&[("module.a.w", &[4]), ("module.b.w", &[4])], &[("a.w", &[4]), ("b.w", &[4])]);
        assert_eq!(found(short, long, false), [pair("module", "")]);
        assert_eq!(found(long, short, false), [pair("", "module")]);
    }

    #[test]
    fn a_slip_of_the_pen_is_found_and_a_stranger_is_not() {
        let wanted: Names<'_> = &[("sn1.w", &[]), ("fc.bias", &[3])];
        assert_eq!(found(wanted, &[("sn1.W", &[]), ("fc.scale", &[4])], true), [pair("sn1.W", "sn1.w")]);
        assert_eq!(found(wanted, &[("head.gain", &[9])], true), []);
    }
}
