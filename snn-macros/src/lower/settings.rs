//! Settings of a net: `T = 4; step_mode = 'm'; surrogate = ATan;`. In: the settings; out: steps, mode and the defaults of
//! its layers.

use proc_macro2::TokenStream;
use syn::{Expr, Lit};

use crate::ast;
use crate::diag::{Blame, Diagnostics};
use crate::env::{Env, Value, show_expr};
use crate::ir::Mode;
use crate::layers::Settings;
use crate::size::Size;
use crate::suggest::closest;

/// Longest forward that is written out step by step unless `unroll` says otherwise; a loop above (docs/design.md, "Time").
const UNROLL: usize = 64;

pub(super) struct Head {
    pub(super) settings: Settings,
    pub(super) steps: Size,
    pub(super) unroll: usize,
    pub(super) mode: Mode,
    pub(super) mode_line: Option<usize>,
}

const NAMES: &[&str] = &["T", "step_mode", "surrogate", "detach_reset", "v_threshold", "v_reset", "backend", "unroll"];

/// Reads the settings of a net, and makes `T` a name that sizes may use.
pub(super) fn net(net: &ast::Net, env: &mut Env, root: &TokenStream, diags: &mut Diagnostics) -> Head {
    let mut head = Head { settings: Settings::default(), steps: Size::Known(1), unroll: UNROLL, mode: Mode::Step, mode_line: None };
    let mut steps = None;
    twice(&net.body.settings, diags);
    for s in &net.body.settings {
        if ast::is_missing(&s.value) {
            if s.name == "T" {
                steps = Some(Err(()));
            }
            continue;
        }
        match s.name.to_string().as_str() {
            "T" => steps = Some(time(s, env, diags)),
            "step_mode" => {
                if let Ok(mode) = step_mode(&s.value, "`step_mode`", diags) {
                    (head.mode, head.mode_line) = (mode, Some(Blame::of(&s.name).line()));
                }
            }
            "unroll" => head.unroll = unroll(s, env, diags).unwrap_or(UNROLL),
            "backend" => backend(s, diags),
            _ if head.settings.set(s, env, root, diags) => {}
            _ => unknown(s, diags),
        }
    }
    match steps {
        Some(Ok((size, value))) => {
            env.set(&syn::Ident::new("T", net.name.span()), value);
            head.steps = size;
        }
        Some(Err(())) => {}
        None => {
            diags
                .error(Blame::of(&net.name), format!("`{}` does not say how many steps it runs", net.name))
                .help("add `T = 4;` as its first line");
        }
    }
    head
}

/// Settings of a block: defaults for its own layers.
pub(super) fn block(body: &ast::Body, settings: &mut Settings, env: &Env, root: &TokenStream, diags: &mut Diagnostics) {
    twice(&body.settings, diags);
    for s in body.settings.iter().filter(|s| !ast::is_missing(&s.value)) {
        match s.name.to_string().as_str() {
            "T" | "step_mode" | "unroll" | "backend" => {
                diags.error(Blame::of(&s.name), format!("`{}` is the net's, not a block's", s.name)).help("set it in the `net`");
            }
            _ if settings.set(s, env, root, diags) => {}
            _ => unknown(s, diags),
        }
    }
}

fn twice(settings: &[ast::Setting], diags: &mut Diagnostics) {
    for (i, s) in settings.iter().enumerate() {
        if settings[..i].iter().any(|earlier| earlier.name == s.name) {
            diags.error(Blame::of(&s.name), format!("`{}` is set twice", s.name)).help("remove one of the two");
        }
    }
}

fn unknown(s: &ast::Setting, diags: &mut Diagnostics) {
    let d = diags.error(Blame::of(&s.name), format!("unknown setting `{}`", s.name));
    match closest(&s.name.to_string(), NAMES.iter().copied()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("settings are {}", NAMES.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))),
    };
}

fn time(s: &ast::Setting, env: &Env, diags: &mut Diagnostics) -> Result<(Size, Value), ()> {
    let size = env.size(&s.value, "`T`", diags)?;
    if size.known() == Some(0) {
        diags.error(Blame::of(&s.value), "`T` must be at least 1, but is 0").help("a net runs for at least one step");
        return Err(());
    }
    let value = env.eval(&s.value, diags)?;
    Ok((size, value))
}

/// `'s'` or `'m'`. `what` names it: "`conv1`: `step_mode`".
pub(super) fn step_mode(value: &Expr, what: &str, diags: &mut Diagnostics) -> Result<Mode, ()> {
    let letter = match value {
        Expr::Lit(l) => match &l.lit {
            Lit::Char(c) => c.value().to_string(),
            Lit::Str(s) => {
                let quoted = s.value();
                let letter = if quoted == "s" { 's' } else { 'm' };
                diags
                    .error(Blame::of(value), format!("{what} expects `'s'` or `'m'`, but gets `{quoted:?}`"))
                    .help(format!("write `'{letter}'`"));
                return Err(());
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    match letter.as_str() {
        "s" => Ok(Mode::Step),
        "m" => Ok(Mode::Multi),
        _ => {
            diags
                .error(Blame::of(value), format!("{what} expects `'s'` or `'m'`, but gets `{}`", show_expr(value)))
                .help("`'s'` runs step by step, `'m'` runs whole sequences");
            Err(())
        }
    }
}

/// `unroll = true | false | 16`.
fn unroll(s: &ast::Setting, env: &Env, diags: &mut Diagnostics) -> Result<usize, ()> {
    match env.eval(&s.value, diags)? {
        Value::Bool(true) => Ok(usize::MAX),
        Value::Bool(false) => Ok(0),
        Value::Int(n) if n >= 0 => Ok(n.unsigned_abs() as usize),
        _ => {
            diags.error(
                Blame::of(&s.value),
                format!("`unroll` expects `true`, `false` or a number of steps, but gets `{}`", show_expr(&s.value)),
            );
            Err(())
        }
    }
}

/// There is one backend: the fused kernels of the device at hand.
fn backend(s: &ast::Setting, diags: &mut Diagnostics) {
    let text = show_expr(&s.value);
    if text != "\"fused\"" {
        diags
            .error(Blame::of(&s.value), format!("unknown backend `{text}`"))
            .help("write `backend = \"fused\";`, or leave it out: the kernels follow the device of the weights");
    }
}
