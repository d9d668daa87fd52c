//! Does a file fit a model? In: the variables of a model, the values of a file and a key map; out: each variable with its new value, or one
//! error with all that is wrong.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use tch::{Kind, Tensor, nn};

use super::key_map::{self, KeyMap};
use super::sizes;
use super::stored::{Stored, Weights};
use super::suggest::{self, Side};
use crate::error::{Error, Result, WeightsMismatch};

/// What [`load_with`](super::load_with) did, in names; each list is sorted, but for `unexpected`, which is in the order of a file of `torch.save`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Variables of the model with new values.
    pub loaded: Vec<String>,
    /// Variables of the model that the file lacks; they are as they were. PyTorch: `missing_keys`.
    pub missing: Vec<String>,
    /// Names of the file, after the key map, that the model lacks. PyTorch: `unexpected_keys`.
    pub unexpected: Vec<String>,
    /// Names of the file that the key map leaves out.
    pub ignored: Vec<String>,
}

/// `12 loaded`, and the other names by layer.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} loaded", self.loaded.len())?;
        for (what, names) in [("missing", &self.missing), ("unexpected", &self.unexpected), ("ignored", &self.ignored)] {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            write!(f, "{}", snn_infer::__private::list(what, &by_layer(&names)))?;
        }
        Ok(())
    }
}

/// The variables of a model.
pub(super) struct Model {
    variables: BTreeMap<String, Tensor>,
    /// Names of those that learn, in the order in which the layers were built.
    built: Vec<String>,
}

impl Model {
    pub(super) fn of(vs: &nn::VarStore) -> Model {
        let variables: BTreeMap<String, Tensor> = vs.variables().into_iter().collect();
        let by_place: BTreeMap<usize, &String> = variables.iter().map(|(name, t)| (t.data_ptr() as usize, name)).collect();
        let trained = vs.trainable_variables();
        let built = trained.iter().filter_map(|t| by_place.get(&(t.data_ptr() as usize)).map(|name| (*name).clone())).collect();
        Model { variables, built }
    }
}

/// Each variable that the file has a value for, with that value.
pub(super) type Values = Vec<(Tensor, Tensor)>;

pub(super) fn fit(path: &Path, model: &Model, file: Weights, map: &KeyMap) -> Result<(Values, Loaded)> {
    let ordered = file.ordered;
    let (named, ignored) = rename(path, file, map)?;
    let known = |name: &str| model.variables.get(name);
    let of_file: BTreeMap<&str, &Stored> = named.iter().map(|(name, stored)| (name.as_str(), stored)).collect();
    let missing: Vec<&str> = model.variables.keys().map(String::as_str).filter(|name| !of_file.contains_key(name)).collect();
    let unexpected: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).filter(|name| known(name).is_none()).collect();
    let fits = named.len() - unexpected.len();

    let (mut shapes, mut kinds) = (Vec::new(), Vec::new());
    for (name, variable) in &model.variables {
        let Some(stored) = of_file.get(name.as_str()) else { continue };
        let want = variable.kind();
        match &stored.value {
            Some(value) if survives(value.kind(), want) => {}
            _ => kinds.push(format!("{name} wants numbers of {want:?}, but gets {}", stored.kind)),
        }
        if stored.value.is_some() && stored.shape != sizes(variable) {
            shapes.push(format!("{name} wants {:?}, but gets {:?}", sizes(variable), stored.shape));
        }
    }
    let names_matter = map.is_strict() || (fits == 0 && !named.is_empty());
    if !shapes.is_empty() || !kinds.is_empty() || names_matter && !(missing.is_empty() && unexpected.is_empty()) {
        let place = |name: &str| model.built.iter().position(|known| known == name);
        let wanted = missing.iter().map(|&name| (name, known(name).map(sizes).unwrap_or_default()));
        let found = unexpected.iter().filter_map(|&name| Some((name, of_file.get(name)?.shape.clone())));
        let missing_side = Side::new(wanted.collect(), place);
        let unexpected_side =
            Side::new(found.collect(), |name| ordered.then(|| named.iter().position(|(known, _)| known == name)).flatten());
        let pairs = suggest::pairs(&missing_side, &unexpected_side, ordered, fits == 0);
        let lists = |names: &[String]| by_layer(&names.iter().map(String::as_str).collect::<Vec<_>>());
        return Err(Error::from(Box::new(WeightsMismatch {
            path: path.into(),
            missing: by_layer(&missing),
            unexpected: by_layer(&unexpected),
            shapes: lists(&shapes),
            kinds: lists(&kinds),
            help: suggest::help(&pairs, !missing.is_empty() || !unexpected.is_empty(), &shapes),
        })));
    }
    let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let mut loaded = Loaded { missing: owned(&missing), unexpected: owned(&unexpected), ignored, ..Loaded::default() };
    let mut values = Vec::with_capacity(fits);
    for (name, variable) in &model.variables {
        if let Some(value) = of_file.get(name.as_str()).and_then(|stored| stored.value.as_ref()) {
            values.push((variable.shallow_clone(), value.shallow_clone()));
            loaded.loaded.push(name.clone());
        }
    }
    Ok((values, loaded))
}

/// Values by their names.
type Named = Vec<(String, Stored)>;

/// The values of a file under the names that the map gives them, and the names it leaves out.
fn rename(path: &Path, file: Weights, map: &KeyMap) -> Result<(Named, Vec<String>)> {
    let about = |argument: String, problem: String, help: String| {
        Err(Error::Argument { layer: path.display().to_string(), argument: format!("`{argument}`"), problem, help })
    };
    for (rule, from) in map.rules() {
        if !file.entries.iter().any(|(name, _)| key_map::rest(name, from).is_some()) {
            // Every weight, and every layer and list around it.
            let outer = |name: &str| name.match_indices('.').map(|(dot, _)| name[..dot].to_string()).collect::<Vec<_>>();
            let all = file.entries.iter().flat_map(|(name, _)| outer(name).into_iter().chain([name.clone()]));
            let near = suggest::closest(from, all).map(|near| format!("did you mean {near:?}?")).unwrap_or_default();
            return about(rule, "fits no name in the file".into(), near);
        }
    }
    let (mut named, mut ignored): (Named, _) = (Vec::new(), Vec::new());
    let mut from: BTreeMap<String, String> = BTreeMap::new();
    for (old, stored) in file.entries {
        match map.apply(&old) {
            None => ignored.push(old),
            Some(new) => {
                if let Some(other) = from.insert(new.clone(), old.clone()) {
                    return about(new, format!("would be both `{other}` and `{old}` of the file"), "`ignore` one of them".into());
                }
                named.push((new, stored));
            }
        }
    }
    ignored.sort();
    Ok((named, ignored))
}

fn survives(got: Kind, want: Kind) -> bool {
    let is_float = |kind| matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16);
    want == got || is_float(want) && is_float(got)
}

/// `conv1.weight`, `conv1.bias` as `conv1: weight, bias`.
fn by_layer(names: &[&str]) -> Vec<String> {
    let mut layers: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for name in names {
        // What follows a space are sizes.
        let end = name.find(' ').unwrap_or(name.len());
        let (layer, rest) = name[..end].rfind('.').map_or(("", *name), |dot| (&name[..dot], &name[dot + 1..]));
        // A file may name a layer again behind another one.
        let place = *places.entry(layer).or_insert(layers.len());
        match layers.get_mut(place) {
            Some((_, names)) => names.push(rest),
            None => layers.push((layer, vec![rest])),
        }
    }
    layers.into_iter().map(|(layer, names)| format!("{layer}{}{}", if layer.is_empty() { "" } else { ": " }, names.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::by_layer;

    #[test]
    fn names_are_listed_by_layer() {
        let names = ["conv1.bias", "conv1.weight", "layer1.0.w", "w"];
        assert_eq!(by_layer(&names), ["conv1: bias, weight", "layer1.0: w", "w"]);
        assert_eq!(by_layer(&["bn1.weight", "conv1.weight", "bn1.bias"]), ["bn1: weight, bias", "conv1: weight"]);
        assert_eq!(by_layer(&["fc.weight wants [1], but gets [2.]"]), ["fc: weight wants [1], but gets [2.]"]);
    }
}
