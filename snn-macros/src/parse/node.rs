//! Nodes: layers, lists, repeats, conditions. In: the position before one; out: the node.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, ExprPath, Path, PathArguments, Token, token};

use super::cursor::{Rounds, before, braces, brackets, found, here, named, parentheses, skip, skip_until, starts_layer, word};
use super::entry::Place;
use super::{Parsed, Parser, Reported};
use crate::ast::{Cond, Entry, Layer, List, Node, Otherwise, Repeat, missing};
use crate::diag::Blame;

impl Parser<'_> {
    /// `name`: whose layer it is.
    pub(super) fn node(&mut self, input: ParseStream, name: Option<&Ident>) -> Parsed<Node> {
        if input.peek(token::Bracket) {
            return self.list(input);
        }
        if input.peek(Token![if]) {
            return self.cond(input).map(Node::Cond);
        }
        if input.peek(syn::Ident::peek_any) && !input.peek(Token![_]) || input.peek(Token![::]) {
            return self.layer(input);
        }
        let message = match name {
            Some(name) => format!("`{name}` expects a layer, but gets {}", found(input)),
            None => format!("expected a layer, but got {}", found(input)),
        };
        self.diags.error(here(input), message).help("a layer is written `Linear(_, 10)`");
        Err(Reported)
    }

    /// `Conv2d(_, CH, kernel_size = 3) -> [..]`
    fn layer(&mut self, input: ParseStream) -> Parsed<Node> {
        let start = input.span();
        let path = self.layer_path(input)?;
        let Ok((paren, content)) = parentheses(input) else {
            self.no_parentheses(input, &path);
            return Err(Reported);
        };
        let span = Blame::range(&path, paren.span.close());
        let args = self.args(&content);
        let mut shape = None;
        if input.peek(Token![->]) {
            skip(input);
            skip(input);
            let name = path.segments.last().map_or(String::new(), |s| s.ident.to_string());
            shape = Some(self.shape(input, &format!("the output of `{name}`"))?);
        }
        Ok(match args {
            Ok(args) => Node::Layer(Layer { path, args, shape, span }),
            Err(Reported) => Node::Error(start),
        })
    }

    /// `Conv2d`, `snn::Conv2d`; `nn.Conv2d` is reported and read.
    fn layer_path(&mut self, input: ParseStream) -> Parsed<Path> {
        let mut path = self.rust(input, |i| i.parse::<ExprPath>())?;
        let start = Blame::of(&path);
        let mut dotted = false;
        while input.peek(Token![.]) && input.peek2(syn::Ident) {
            skip(input);
            path = self.rust(input, |i| i.parse::<ExprPath>())?;
            dotted = true;
        }
        if dotted && let Some(last) = path.path.segments.last() {
            let name = &last.ident;
            self.diags.error(Blame::range(start, before(input)), "a layer has no module before a dot").help(format!("write `{name}(..)`"));
        }
        Ok(path.path)
    }

    fn no_parentheses(&mut self, input: ParseStream, path: &Path) {
        let shown = show_path(path);
        let capital = path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase));
        if input.peek(token::Brace) {
            self.diags.error(here(input), format!("`{shown}` takes its arguments in parentheses")).help(format!("write `{shown}(..)`"));
            skip(input);
        } else if input.peek(Token![<]) {
            let start = here(input);
            skip_until(input, |i| i.peek(token::Paren) || i.peek(Token![;]) || named(i));
            self.diags
                .error(Blame::range(start, before(input)), format!("`{shown}` takes its sizes in parentheses"))
                .help(format!("write `{shown}(_, 64)`"));
        } else if input.peek(Token![!]) {
            self.diags.error(path, format!("`{shown}!` is a macro, not a layer")).help("a layer is written `Linear(_, 10)`");
        } else if capital {
            self.diags.error(path, format!("`{shown}` needs its parentheses")).help(format!("write `{shown}()`"));
        } else {
            self.diags.error(path, format!("expected a layer, but got `{shown}`")).help("a layer is written `Linear(_, 10)`");
        }
    }

    /// `[a, b]`, `[a; n]`
    pub(super) fn list(&mut self, input: ParseStream) -> Parsed<Node> {
        let Ok((bracket, content)) = brackets(input) else { return Err(Reported) };
        let span = bracket.span.join();
        let mut entries: Vec<Entry> = Vec::new();
        let mut rounds = Rounds::default();
        while rounds.more(&content) {
            let attrs = self.attributes(&content);
            if content.is_empty() {
                self.no_attributes(&attrs);
                break;
            }
            entries.push(self.entry(&content, attrs, Place::List));
            if !content.peek(Token![;]) {
                continue;
            }
            let semicolon = here(&content);
            skip(&content);
            if content.is_empty() || !(starts_layer(&content) || content.peek(token::Bracket)) {
                return Ok(self.repeat(&content, semicolon, entries, span));
            }
            self.diags
                .error(semicolon, "the layers of a list are separated by `,`, not `;`")
                .help("write `[a, b]`, or `[a; 2]` for two copies");
        }
        Ok(Node::List(List { entries, span }))
    }

    /// The count of `[a; n]`, after the `;`.
    fn repeat(&mut self, content: ParseStream, semicolon: Blame, mut entries: Vec<Entry>, span: Span) -> Node {
        let count = if content.is_empty() {
            self.diags.error(semicolon, "expected the number of copies after `;`").help("write `[a; 2]`");
            Err(Reported)
        } else {
            self.expr(content, "the number of copies")
        };
        if count.is_ok() && !content.is_empty() {
            self.diags
                .error(here(content), format!("expected `]` after the number of copies, but got {}", found(content)))
                .help("write `[a; 2], b` for two copies of `a` before `b`");
        }
        skip_until(content, |_| false);
        let count = count.unwrap_or_else(|Reported| missing());
        if entries.len() != 1 {
            self.diags
                .error(semicolon, format!("`;` repeats one layer, but {} stand before it", entries.len()))
                .help("write `[[a, b]; 2]`");
            let node = Node::List(List { entries, span });
            entries = vec![Entry { attrs: Vec::new(), name: None, node }];
        }
        match entries.pop() {
            Some(entry) => Node::Repeat(Repeat { entry: Box::new(entry), count, span }),
            None => Node::Error(span),
        }
    }

    /// `if CONST { .. } else { .. }`
    fn cond(&mut self, input: ParseStream) -> Parsed<Cond> {
        let start = input.span();
        skip(input);
        let cond = self.condition(input);
        let then = self.branch(input, "if")?;
        let mut otherwise = None;
        if word(input, "elif") && !named(input) {
            self.diags.error(here(input), "`elif` is `else if` here").help("write `else if CONST { .. }`");
            otherwise = Some(Otherwise::If(Box::new(self.cond(input)?)));
        } else if input.peek(Token![else]) {
            skip(input);
            otherwise = Some(if input.peek(Token![if]) {
                Otherwise::If(Box::new(self.cond(input)?))
            } else {
                Otherwise::Else(self.branch(input, "else")?)
            });
        }
        Ok(Cond { cond, then, otherwise, span: Blame::range(start, before(input)) })
    }

    fn condition(&mut self, input: ParseStream) -> Expr {
        let cond = if input.peek(token::Brace) || input.is_empty() {
            self.diags.error(before(input), "`if` needs a condition").help("write `if stride != 1 { .. }`");
            Err(Reported)
        } else {
            self.rust(input, Expr::parse_without_eager_brace)
        };
        match cond {
            Ok(Expr::Let(pattern)) => {
                self.diags.error(&pattern, "`if let` cannot be decided here").help("write a condition on consts: `if stride != 1 { .. }`");
                missing()
            }
            Ok(cond) => cond,
            Err(Reported) => {
                skip_until(input, |i| i.peek(token::Brace) || i.peek(Token![,]) || i.peek(Token![;]));
                missing()
            }
        }
    }

    fn branch(&mut self, input: ParseStream, keyword: &str) -> Parsed<Vec<Entry>> {
        let Ok((_, content)) = braces(input) else {
            let example = if keyword == "if" { "if CONST { .. }" } else { "else { .. }" };
            self.diags
                .error(here(input), format!("`{keyword}` needs braces, but gets {}", found(input)))
                .help(format!("write `{example}`"));
            return Err(Reported);
        };
        Ok(self.entries(&content))
    }
}

/// A path on one line, as it was written.
fn show_path(path: &Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    let generic = path.segments.last().is_some_and(|s| !matches!(s.arguments, PathArguments::None));
    format!("{}{}", names.join("::"), if generic { "::<..>" } else { "" })
}
