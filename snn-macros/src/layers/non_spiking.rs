//! Neurons that never fire. In: a sequence of any shape; out: their potentials, or one number for all steps.

use quote::quote;

use super::args::ArgValue;
use super::neuron::check_tau;
use super::{Built, Default, Kind, LayerSpec, Modes, Param, Rule, param};

const DECODE: Param = param("decode", Kind::OptChoice(&["max-mem", "max-abs-mem", "mean-mem", "last_mem"]), Default::None);

pub(super) const LAYERS: &[LayerSpec] = &[
    LayerSpec {
        name: "NonSpikingIFNode",
        params: &[DECODE],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: true,
        rule: |rule| non_spiking(rule, "NonSpikingIFNode"),
    },
    LayerSpec {
        name: "NonSpikingLIFNode",
        params: &[param("tau", Kind::Float, Default::Float(2.0)), DECODE],
        modes: Modes::MultiOnly,
        state: None,
        reduces: None,
        frozen: true,
        rule: |rule| {
            check_tau(rule, "tau")?;
            let mut built = non_spiking(rule, "NonSpikingLIFNode")?;
            built.config.get_or_insert_default().push(rule.pass("tau"));
            Ok(built)
        },
    },
];

fn non_spiking(rule: &mut Rule<'_>, ty: &'static str) -> Result<Built, ()> {
    let decode = match &rule.arg("decode").value {
        ArgValue::Text(word) => Some(word.as_str()),
        _ => None,
    };
    let root = rule.root;
    let variant = match decode {
        Some("max-mem") => quote!(Max),
        Some("max-abs-mem") => quote!(MaxAbs),
        Some("mean-mem") => quote!(Mean),
        Some(_) => quote!(Last),
        None => quote!(Sequence),
    };
    let config = vec![rule.field("decode", quote!(#root::Decode::#variant))];
    Ok(Built { config: Some(config), ends_time: decode.is_some(), ..Built::keeps(rule, ty) })
}
