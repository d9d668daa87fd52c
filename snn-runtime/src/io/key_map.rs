//! How names of a file become names of a model. In: rules, and a name of the file; out: its name in the model, or nothing where it is left out.

/// What [`load_with`](super::load_with) does with the names in a file.
///
/// A name is the whole of a weight's (`conv_fc.0.weight`), or that of a layer or list (`conv_fc.0`, `conv_fc`), and then stands for all that
/// is in it. Where several rules fit, the longest name decides. A rule that fits nothing is an error: it is a slip of the pen.
///
/// ```
/// use snn_runtime::io::KeyMap;
///
/// // The state dict of `{"net": net.module.state_dict(), "epoch": 12}`.
/// let map = KeyMap::new()
///     .within("net")
///     .rename("module", "") // `module.conv_fc.9.weight` is `conv_fc.9.weight` ..
///     .rename("module.conv_fc.0", "conv1") // .. but `module.conv_fc.0.weight` is `conv1.weight`
///     .ignore("module.aux_head");
/// # let _ = map;
/// ```
#[derive(Clone, Debug)]
pub struct KeyMap {
    rules: Vec<Rule>,
    within: Option<String>,
    strict: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    from: String,
    /// `None`: it is left out.
    to: Option<String>,
}

impl Default for KeyMap {
    fn default() -> KeyMap {
        KeyMap { rules: Vec::new(), within: None, strict: true }
    }
}

impl KeyMap {
    /// Every name stays, and all have to fit.
    pub fn new() -> KeyMap {
        KeyMap::default()
    }

    /// `from` in the file is `to` in the model: a weight, or a layer with all that is in it. `rename("module", "")` takes a prefix away,
    /// `rename("", "net")` puts one before every name.
    pub fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> KeyMap {
        self.rules.push(Rule { from: plain(from), to: Some(plain(to)) });
        self
    }

    /// Leaves out a weight of the file, or a layer with all that is in it.
    pub fn ignore(mut self, name: impl Into<String>) -> KeyMap {
        self.rules.push(Rule { from: plain(name), to: None });
        self
    }

    /// The state dict is the value of this key: that of a checkpoint `torch.save({"net": net.state_dict(), ..}, path)`. Needed only where
    /// a checkpoint holds several state dicts.
    pub fn within(mut self, key: impl Into<String>) -> KeyMap {
        self.within = Some(key.into());
        self
    }

    /// With `false`, names that are missing or unexpected are no error, but told in [`Loaded`](super::Loaded); other shapes and kinds are
    /// an error all the same. PyTorch: `load_state_dict(.., strict=False)`.
    pub fn strict(mut self, strict: bool) -> KeyMap {
        self.strict = strict;
        self
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.within.as_deref()
    }

    /// What the rule for a name of the file makes of it: another name, or nothing. Without a rule the name stays.
    pub(super) fn apply(&self, name: &str) -> Option<String> {
        let fits = self.rules.iter().enumerate().filter_map(|(i, rule)| Some((rule.from.len(), i, rest(name, &rule.from)?)));
        // Of two rules for one name the later.
        match fits.max_by_key(|(length, i, _)| (*length, *i)) {
            None => Some(name.to_string()),
            Some((_, i, rest)) => self.rules[i].to.as_ref().map(|to| joined(to, rest)),
        }
    }

    /// Rules as they were written, for messages.
    pub(super) fn rules(&self) -> impl Iterator<Item = (String, &str)> {
        self.rules.iter().map(|rule| {
            let written = match &rule.to {
                Some(to) => format!("rename({:?}, {to:?})", rule.from),
                None => format!("ignore({:?})", rule.from),
            };
            (written, rule.from.as_str())
        })
    }
}

/// `conv1.` is `conv1`.
fn plain(name: impl Into<String>) -> String {
    let name = name.into();
    name.strip_suffix('.').map(str::to_string).unwrap_or(name)
}

/// What is behind `outer` and its dot; nothing where `name` is not in it.
pub(super) fn rest<'n>(name: &'n str, outer: &str) -> Option<&'n str> {
    match name.strip_prefix(outer)? {
        rest if outer.is_empty() || rest.is_empty() => Some(rest),
        rest => rest.strip_prefix('.'),
    }
}

fn joined(outer: &str, rest: &str) -> String {
    if outer.is_empty() || rest.is_empty() { format!("{outer}{rest}") } else { format!("{outer}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_decides() {
        let map = KeyMap::new().rename("module.", "").rename("module.conv_fc.0", "conv1").rename("module.fc.w", "fc.weight").ignore("aux");
        let new = |name| map.apply(name);
        assert_eq!(new("module.conv_fc.0.weight").as_deref(), Some("conv1.weight"));
        assert_eq!(new("module.conv_fc.01.weight").as_deref(), Some("conv_fc.01.weight"), "a name ends at a dot");
        assert_eq!(new("module.fc.w").as_deref(), Some("fc.weight"));
        assert_eq!(new("modules.x").as_deref(), Some("modules.x"));
        assert_eq!(new("aux.fc.bias"), None);
        assert_eq!(KeyMap::new().rename("", "net.").apply("conv1.weight").as_deref(), Some("net.conv1.weight"));
        assert_eq!(KeyMap::new().rename("a", "b").rename("a", "c").apply("a").as_deref(), Some("c"));
    }
}
