//! `PrintShapeModule`: logs what passes. In: any shape; out: the same shape.

use super::args::ArgValue;
use super::{Built, Default, Kind, LayerSpec, Modes, Rule, param};

pub(super) const LAYERS: &[LayerSpec] = &[LayerSpec {
    name: "PrintShapeModule",
    params: &[param("ext_str", Kind::Text, Default::Text("PrintShapeModule"))],
    modes: Modes::Both,
    state: None,
    reduces: None,
    frozen: true,
    rule: print_shape,
}];

fn print_shape(rule: &mut Rule<'_>) -> Result<Built, ()> {
    let ArgValue::Text(text) = &rule.arg("ext_str").value else { unreachable!("`bind` made `ext_str` a text") };
    let config = vec![rule.field("ext_str", quote::quote!(::std::string::String::from(#text)))];
    Ok(Built { config: Some(config), ..Built::keeps(rule, "PrintShapeModule") })
}
