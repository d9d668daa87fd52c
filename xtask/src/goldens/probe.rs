//! Asks the compiler what it knows. In: names of layers and surrogates; out: those that are not in the language (yet).
//!
//! So no list of supported layers is kept here: a layer that enters the macro's table is tested from then on.

use std::collections::{BTreeSet, HashMap};

use super::compile::Refused;
use super::dsl::Name;
use super::source::{Kind, Source};

/// Names and the modules that use them.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    modules: Vec<(&'a Name, usize)>,
}

impl<'a> Asked<'a> {
    /// Adds a net per name to the source.
    pub(crate) fn add(names: impl Iterator<Item = &'a Name>, source: &mut Source) -> Asked<'a> {
        let names: BTreeSet<&Name> = names.collect();
        Asked { modules: names.into_iter().map(|name| (name, source.module(Kind::Compiled, &net(name)))).collect() }
    }

    /// The names whose nets say that they are unknown.
    pub(crate) fn unknown(&self, errors: &HashMap<usize, Vec<Refused>>) -> BTreeSet<&'a Name> {
        let told = |name: &Name, e: &Refused| says_unknown(&e.message) && e.message.contains(&format!("`{}`", name.text()));
        let unknown = self.modules.iter().filter(|(name, module)| errors.get(module).into_iter().flatten().any(|e| told(name, e)));
        unknown.map(|(name, _)| *name).collect()
    }
}

/// Why a case that uses the name is skipped.
pub(crate) fn reason(name: &Name) -> String {
    match name {
        Name::Layer(name) => format!("layer {name} is not supported yet"),
        Name::Surrogate(name) => format!("surrogate {name} is not supported yet"),
    }
}

/// Does the compiler's message say that a name is not in the language?
pub(crate) fn says_unknown(message: &str) -> bool {
    message.starts_with("unknown ")
}

/// A net that uses one name and nothing else. Whatever else is wrong with it, only an unknown name matters.
fn net(name: &Name) -> String {
    let entry = match name {
        Name::Layer(layer) => format!("m: {layer}()"),
        Name::Surrogate(surrogate) => format!("m: IFNode(surrogate_function = {surrogate}())"),
    };
    let net =
        format!("pub net Net(x: [T, 1]) -> [T, 1] {{\n            T = 1;\n            step_mode = 'm';\n            {entry},\n        }}");
    format!("    snn::snn_net! {{\n        {net}\n    }}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_unknown_if_its_net_says_so() {
        let names = [Name::Layer("Linear".into()), Name::Layer("GroupNorm".into()), Name::Surrogate("Erf".into())];
        let mut source = Source::new();
        let asked = Asked::add(names.iter(), &mut source);
        assert!(source.finish().contains("m: IFNode(surrogate_function = Erf()),"));
        let error = |text: &str| vec![Refused { message: text.to_string(), rendered: String::new() }];
        let errors = asked
            .modules
            .iter()
            .map(|(name, module)| match name.text() {
                "Linear" => (*module, error("`m`: `Linear` is missing `out_features`")),
                name => (*module, error(&format!("unknown layer `{name}`"))),
            })
            .collect();
        assert_eq!(asked.unknown(&errors), BTreeSet::from([&names[1], &names[2]]));
        assert_eq!(reason(&names[2]), "surrogate Erf is not supported yet");
    }
}
