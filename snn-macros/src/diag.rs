//! Every error at once. In: mistakes, as the stages find them; out: one `compile_error!` each, sorted by place, on the
//! exact tokens of the user.
//!
//! Stable Rust can neither join spans nor attach labels, so a range is kept as its two ends ([`Blame`]), and `note:` and
//! `help:` are lines of the message.

use std::fmt;

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// The tokens a message is about, from the first to the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blame {
    pub(crate) start: Span,
    pub(crate) end: Span,
}

impl Blame {
    /// All tokens of a piece of syntax; the macro call itself if there are none.
    pub(crate) fn of(tokens: impl ToTokens) -> Blame {
        let tokens: Vec<TokenTree> = tokens.into_token_stream().into_iter().collect();
        match (tokens.first().and_then(first_span), tokens.last().and_then(last_span)) {
            (Some(start), Some(end)) => Blame { start, end },
            _ => Blame::from(Span::call_site()),
        }
    }

    /// From the first token of one to the last token of the other.
    pub(crate) fn range(from: impl Into<Blame>, to: impl Into<Blame>) -> Blame {
        Blame { start: from.into().start, end: to.into().end }
    }

    /// The line it starts on, as the user's editor counts.
    pub(crate) fn line(self) -> usize {
        line_of(self.start)
    }

    /// Start and end, each as (line, column).
    pub(crate) fn place(self) -> (usize, usize, usize, usize) {
        let (start, end) = (self.start.start(), self.end.end());
        (start.line, start.column, end.line, end.column)
    }
}

impl From<Span> for Blame {
    fn from(span: Span) -> Blame {
        Blame { start: span, end: span }
    }
}

impl<T: ToTokens + ?Sized> From<&T> for Blame {
    fn from(tokens: &T) -> Blame {
        Blame::of(tokens)
    }
}

/// The line a span starts on, for notes like "`flat` (line 23) outputs [12544]".
pub(crate) fn line_of(span: Span) -> usize {
    span.start().line
}

/// Groups without delimiters come from `macro_rules!`; what counts is inside.
fn first_span(token: &TokenTree) -> Option<Span> {
    match token {
        TokenTree::Group(g) if g.delimiter() == Delimiter::None => g.stream().into_iter().next().as_ref().and_then(first_span),
        other => Some(other.span()),
    }
}

fn last_span(token: &TokenTree) -> Option<Span> {
    match token {
        TokenTree::Group(g) if g.delimiter() == Delimiter::None => g.stream().into_iter().last().as_ref().and_then(last_span),
        other => Some(other.span()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) level: Level,
    pub(crate) blame: Blame,
    pub(crate) message: String,
    pub(crate) notes: Vec<String>,
    pub(crate) helps: Vec<String>,
}

impl Diagnostic {
    /// What the user needs to know to understand the message.
    pub(crate) fn note(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// The fix.
    pub(crate) fn help(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        self.helps.push(text.into());
        self
    }

    /// An item that makes rustc print it; the lines after the first come out indented under it.
    fn to_tokens(&self) -> TokenStream {
        match self.level {
            Level::Error => self.compile_error(),
            Level::Warning => self.deprecated_use(),
        }
    }

    /// `::core::compile_error! { ".." }`: rustc underlines from the span of its first token to that of its last.
    fn compile_error(&self) -> TokenStream {
        let mut text = Literal::string(&self.to_string());
        text.set_span(self.blame.end);
        let mut body = Group::new(Delimiter::Brace, TokenStream::from(TokenTree::from(text)));
        body.set_span(self.blame.end);
        let name = quote_spanned!(self.blame.start=> ::core::compile_error!);
        quote!(#name #body)
    }

    /// A procedural macro cannot warn on stable Rust, but it can write the use of a deprecated constant where the
    /// warning belongs:
    ///
    /// ```text
    /// const _: () = {
    ///     #[deprecated(note = "message")]
    ///     const SNN: () = ();
    ///     SNN
    /// };
    /// ```
    fn deprecated_use(&self) -> TokenStream {
        let text = self.to_string();
        let name = Ident::new("SNN", self.blame.start);
        quote! {
            const _: () = {
                #[deprecated(note = #text)]
                const #name: () = ();
                #name
            };
        }
    }
}

/// The message as rustc prints it, without `error: `.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let notes = self.notes.iter().map(|text| ("note", text));
        let helps = self.helps.iter().map(|text| ("help", text));
        for (kind, text) in notes.chain(helps) {
            write!(f, "\n{kind}: {}", text.replace('\n', "\n      "))?;
        }
        Ok(())
    }
}

/// Collects messages; must be consumed by [`Diagnostics::finish`] or [`Diagnostics::into_compile_errors`], so that none is lost.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    found: Vec<Diagnostic>,
    consumed: bool,
}

impl Diagnostics {
    pub(crate) fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Says what is wrong with these tokens; add `.note(..)` and `.help(..)`.
    pub(crate) fn error(&mut self, blame: impl Into<Blame>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Level::Error, blame.into(), message.into())
    }

    /// Says what is odd about these tokens; the model is generated all the same.
    pub(crate) fn warning(&mut self, blame: impl Into<Blame>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Level::Warning, blame.into(), message.into())
    }

    fn push(&mut self, level: Level, blame: Blame, message: String) -> &mut Diagnostic {
        self.found.push(Diagnostic { level, blame, message, notes: Vec::new(), helps: Vec::new() });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Is there an error? Warnings do not count.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// The number of errors so far; compare two counts to see whether a stage was content.
    pub(crate) fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.level == Level::Error).count()
    }

    /// All messages in the order of the source, each once.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.consumed = true;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|d| d.blame.place());
        let mut kept: Vec<Diagnostic> = Vec::new();
        for d in found {
            let twin = |k: &&Diagnostic| k.blame.place() == d.blame.place();
            if !kept.iter().rev().take_while(twin).any(|k| k.message == d.message) {
                kept.push(d);
            }
        }
        kept
    }

    /// The items that make rustc print every message.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.finish().iter().map(Diagnostic::to_tokens).collect()
    }
}

/// A bug of the macro must not swallow the user's errors.
impl Drop for Diagnostics {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !self.consumed && !std::thread::panicking() {
            panic!("diagnostics were collected but never reported");
        }
    }
}
