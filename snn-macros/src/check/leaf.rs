//! One layer: its shape rule and what it does to time. In: what arrives; out: what leaves.

use crate::diag::Blame;
use crate::ir::{Fact, Leaf, Mode, Time, What};
use crate::layers::{Args, Built, LayerSpec, Modes, Rule, State};
use crate::size::{Size, fits, show};

use super::Walk;

impl Walk<'_> {
    pub(super) fn leaf(&mut self, leaf: &mut Leaf, args: &[Fact], blame: Blame, outs: usize) -> Vec<Option<Fact>> {
        let (poisoned, arrives) = (vec![None; outs], &args[0]);
        let Ok(()) = self.together(leaf, args, blame) else { return poisoned };
        let Ok(time) = self.time(leaf, arrives, blame) else { return poisoned };
        if leaf.built.is_some() && !fits(&leaf.input, &arrives.shape) {
            let text = format!(
                "`{}` gets {} here, but {} before: it has one set of sizes",
                leaf.shown,
                show(&arrives.shape, false),
                show(&leaf.input, false)
            );
            self.diags.error(blame, text).help("declare a second layer");
            return poisoned;
        }
        let Ok(built) = self.build(leaf, arrives, blame) else { return poisoned };
        let time = match () {
            () if built.ends_time => Time::Reduced,
            () if built.modes == Modes::MultiOnly => Time::Seq,
            () => time,
        };
        let facts = built.outputs.iter().map(|shape| {
            Some(Fact {
                shape: shape.clone(),
                time,
                origin: format!("`{}` (line {}) outputs", leaf.shown, leaf.line),
                spikes: self.is_neuron(leaf),
            })
        });
        let facts = facts.collect();
        (leaf.input, leaf.input_time, leaf.built) = (arrives.shape.clone(), arrives.time, Some(built));
        facts
    }

    /// A layer of several values gets all of them, of one shape and one time.
    fn together(&mut self, leaf: &Leaf, args: &[Fact], blame: Blame) -> Result<(), ()> {
        let (first, want) = (&args[0], leaf.inputs());
        let shown = |fact: &Fact| show(&fact.shape, fact.time == Time::Seq);
        if args.len() != want {
            let text = format!("`{}` takes {want} values, but gets {}", leaf.shown, args.len());
            let note = format!("{} {}", first.origin, shown(first));
            self.diags.error(blame, text).note(note).help("write a `forward` that calls it on both: `unpool(y, indices)`");
            return Err(());
        }
        if let Some(other) = args.iter().find(|a| !fits(&first.shape, &a.shape) || a.time != first.time) {
            let text = format!("`{}` needs values of one shape, but gets {} and {}", leaf.shown, shown(first), shown(other));
            let notes = [first, other].map(|fact| format!("{} {}", fact.origin, shown(fact)));
            let d = self.diags.error(blame, text).note(notes.join("; "));
            d.help("give it both outputs of one `MaxPool2d(.., return_indices = true)`");
            return Err(());
        }
        Ok(())
    }

    fn is_neuron(&self, leaf: &Leaf) -> bool {
        matches!(&leaf.what, What::Known(spec) if spec.state == Some(State::Neuron))
    }

    fn build(&mut self, leaf: &Leaf, arrives: &Fact, blame: Blame) -> Result<Built, ()> {
        match &leaf.what {
            What::Known(spec) => self.rule(spec, &leaf.args, &leaf.shown, leaf.mode, arrives, blame),
            What::Own { shape, .. } => Ok(Built {
                ty: "",
                config: None,
                outputs: vec![shape.clone().unwrap_or_else(|| arrives.shape.clone())],
                weights: Vec::new(),
                state: Size::Known(0),
                macs: Size::Known(0),
                modes: Modes::Both,
                only_libtorch: None,
                ends_time: false,
                scales_channels: false,
                checks: Vec::new(),
            }),
        }
    }

    /// Applies the rule of a row.
    pub(super) fn rule(
        &mut self,
        spec: &'static LayerSpec,
        args: &Args,
        shown: &str,
        mode: Mode,
        arrives: &Fact,
        blame: Blame,
    ) -> Result<Built, ()> {
        let (input, origin, steps) = (&arrives.shape, &arrives.origin, &self.steps);
        let mut rule =
            Rule { spec, args, input, shown, origin, blame, mode, steps, diags: self.diags, root: self.root, checks: Vec::new() };
        let built = (spec.rule)(&mut rule)?;
        // A check that the row has not handed over counts as well.
        let left = std::mem::take(&mut rule.checks);
        self.checks.extend(built.checks.iter().cloned().chain(left));
        Ok(built)
    }

    pub(super) fn time_is_gone(&mut self, shown: &str, arrives: &Fact, blame: Blame) {
        self.diags
            .error(blame, format!("`{shown}` needs a value for each step, but time is gone before it"))
            .note(format!("{} {}", arrives.origin, show(&arrives.shape, false)))
            .help("move it before what ends time, such as `MeanOverTime()`");
    }

    /// The time axis after the layer.
    fn time(&mut self, leaf: &Leaf, arrives: &Fact, blame: Blame) -> Result<Time, ()> {
        let (neuron, steps) = match &leaf.what {
            What::Known(spec) => (spec.state == Some(State::Neuron), spec.per_step()),
            What::Own { .. } => (false, arrives.time != Time::Reduced),
        };
        if steps && arrives.time == Time::Reduced {
            self.time_is_gone(&leaf.shown, arrives, blame);
            return Err(());
        }
        if neuron && arrives.spikes {
            self.diags
                .warning(blame, format!("`{}` gets the spikes of another neuron directly", leaf.shown))
                .note(format!("{} spikes {}", arrives.origin, show(&arrives.shape, arrives.time == Time::Seq)))
                .help("put a layer with weights between the two");
        }
        Ok(if steps { Time::Seq } else { arrives.time })
    }
}
