//! Arguments of layers. In: what stands between the parentheses; out: the arguments, each as `_`, a node or an expression.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Token, token};

use super::cursor::{Rounds, assigned, before, brackets, found, here, named, skip, skip_until, starts_layer};
use super::{Parsed, Parser, Reported};
use crate::ast::{Arg, ArgValue};
use crate::diag::Blame;

impl Parser<'_> {
    /// `Err` if one of them was lost: the layer is then better not judged.
    pub(super) fn args(&mut self, content: ParseStream) -> Parsed<Vec<Arg>> {
        let mut args = Vec::new();
        let mut lost = false;
        let mut rounds = Rounds::default();
        while rounds.more(content) {
            match self.arg(content) {
                Ok(arg) => args.push(arg),
                Err(Reported) => {
                    lost = true;
                    skip_until(content, |c| c.peek(Token![,]) || assigned(c));
                }
            }
            self.arg_separator(content);
        }
        if lost { Err(Reported) } else { Ok(args) }
    }

    fn arg(&mut self, content: ParseStream) -> Parsed<Arg> {
        let attrs = self.attributes(content);
        if let (Some(first), Some(last)) = (attrs.first(), attrs.last()) {
            self.diags.error(Blame::range(first, last), "an argument takes no attributes").help("leave it out");
        }
        let name = if assigned(content) || named(content) {
            let name = self.name(content, "an argument", "kernel_size = 3")?;
            if content.peek(Token![:]) {
                self.diags.error(here(content), format!("`{name}` takes `=`, not `:`")).help(format!("write `{name} = ..`"));
            }
            skip(content);
            Some(name)
        } else if content.peek(syn::Ident) && content.peek2(Token![==]) {
            let name = self.name(content, "an argument", "kernel_size = 3")?;
            self.diags.error(here(content), format!("`{name}` takes `=`, not `==`")).help(format!("write `{name} = ..`"));
            skip(content);
            skip(content);
            Some(name)
        } else {
            None
        };
        if let Some(name) = name.as_ref().filter(|_| content.is_empty() || content.peek(Token![,])) {
            self.diags.error(name, format!("`{name}` needs a value")).help(format!("write `{name} = ..`"));
            return Err(Reported);
        }
        let what = name.as_ref().map_or("an argument".to_string(), |n| format!("the value of `{n}`"));
        Ok(Arg { name, value: self.arg_value(content, &what)? })
    }

    fn arg_value(&mut self, content: ParseStream, what: &str) -> Parsed<ArgValue> {
        if content.peek(Token![_]) {
            let span = content.span();
            skip(content);
            let next_argument = content.peek(syn::Ident::peek_any) || content.peek(syn::Lit);
            if !content.is_empty() && !content.peek(Token![,]) && !content.peek(Token![;]) && !next_argument {
                self.diags
                    .error(here(content), format!("`_` stands alone, but {} follows", found(content)))
                    .help("`_` infers the whole argument");
                return Err(Reported);
            }
            return Ok(ArgValue::Infer(span));
        }
        if starts_layer(content) || content.peek(token::Bracket) && holds_nodes(content) {
            return self.node(content, None).map(|node| ArgValue::Node(Box::new(node)));
        }
        self.expr(content, what).map(ArgValue::Expr)
    }

    fn arg_separator(&mut self, content: ParseStream) {
        if content.is_empty() {
        } else if content.peek(Token![,]) {
            skip(content);
        } else if content.peek(Token![;]) {
            self.diags.error(here(content), "arguments are separated by `,`, not `;`").help("write `,`");
            skip(content);
        } else if content.peek(syn::Ident::peek_any) || content.peek(syn::Lit) || content.peek(token::Bracket) {
            self.diags.error(before(content), format!("missing `,` before {}", found(content))).help("arguments are separated by `,`");
        } else {
            self.diags
                .error(here(content), format!("expected `,` or `)`, but got {}", found(content)))
                .help("arguments are separated by `,`");
            skip_until(content, |c| c.peek(Token![,]));
            skip(content);
        }
    }
}

/// Does this bracket hold layers? `[2, 2]` and `[CH; 2]` hold sizes; an empty one is an empty list of layers.
pub(super) fn holds_nodes(input: ParseStream) -> bool {
    let input = input.fork();
    let Ok((_, content)) = brackets(&input) else { return false };
    let mut nodes = content.is_empty();
    let mut rounds = Rounds::default();
    while rounds.more(&content) {
        nodes |= content.peek(Token![#]) || named(&content) || starts_layer(&content);
        nodes |= content.peek(token::Bracket) && holds_nodes(&content);
        nodes |= content.peek(Token![if]);
        skip_until(&content, |c| c.peek(Token![,]) || c.peek(Token![;]));
        skip(&content);
    }
    nodes
}
