//! Sizes: numbers the macro knows, or Rust expressions it passes on. In: operands; out: a folded number where all operands
//! are known, tokens otherwise, so that one shape rule serves literals, outside consts and const generics.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

/// One axis of a shape, or any other whole number a layer is made of.
#[derive(Clone, Debug)]
pub(crate) enum Size {
    Known(usize),
    /// A Rust const expression of type `usize`; evaluated by rustc.
    Expr(TokenStream),
}

impl Size {
    pub(crate) fn known(&self) -> Option<usize> {
        match self {
            Size::Known(n) => Some(*n),
            Size::Expr(_) => None,
        }
    }

    pub(crate) fn mul(&self, other: &Size) -> Size {
        match (self, other) {
            (Size::Known(0), _) | (_, Size::Known(0)) => Size::Known(0),
            (Size::Known(1), x) | (x, Size::Known(1)) => x.clone(),
            (Size::Known(a), Size::Known(b)) => Size::Known(a.saturating_mul(*b)),
            _ => Size::Expr(quote!((#self * #other))),
        }
    }

    pub(crate) fn add(&self, other: &Size) -> Size {
        match (self, other) {
            (Size::Known(0), x) | (x, Size::Known(0)) => x.clone(),
            (Size::Known(a), Size::Known(b)) => Size::Known(a.saturating_add(*b)),
            _ => Size::Expr(quote!((#self + #other))),
        }
    }

    /// `self / by`, rounded down; the caller has made sure that `by` is not 0.
    pub(crate) fn div(&self, by: &Size) -> Size {
        match (self, by) {
            (x, Size::Known(1)) => x.clone(),
            (Size::Known(a), Size::Known(b)) if *b > 0 => Size::Known(a / b),
            _ => Size::Expr(quote!((#self / #by))),
        }
    }

    pub(crate) fn product<'a>(sizes: impl IntoIterator<Item = &'a Size>) -> Size {
        sizes.into_iter().fold(Size::Known(1), |p, s| p.mul(s))
    }

    /// Surely different: both known and unequal. Sizes that only rustc knows are compared by a generated check.
    pub(crate) fn differs(&self, other: &Size) -> bool {
        matches!((self, other), (Size::Known(a), Size::Known(b)) if a != b)
    }

    /// Both known and equal, or written alike.
    pub(crate) fn same(&self, other: &Size) -> bool {
        match (self, other) {
            (Size::Known(a), Size::Known(b)) => a == b,
            (Size::Expr(a), Size::Expr(b)) => a.to_string() == b.to_string(),
            _ => false,
        }
    }
}

impl From<usize> for Size {
    fn from(n: usize) -> Self {
        Size::Known(n)
    }
}

impl ToTokens for Size {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Size::Known(n) => Literal::usize_unsuffixed(*n).to_tokens(tokens),
            Size::Expr(e) => e.to_tokens(tokens),
        }
    }
}

/// As a user would write it: `64`, `cfg::HIDDEN`.
impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Size::Known(n) => n.fmt(f),
            Size::Expr(e) => {
                let text = e.to_string();
                for piece in text.split(" :: ") {
                    if !text.starts_with(piece) {
                        f.write_str("::")?;
                    }
                    f.write_str(piece)?;
                }
                Ok(())
            }
        }
    }
}

/// `[128, 28, 28]`, or `[T, 128, 28, 28]` for a sequence.
pub(crate) fn show(shape: &[Size], sequence: bool) -> String {
    let mut out = String::from("[");
    let dims = sequence.then(|| "T".to_string()).into_iter().chain(shape.iter().map(Size::to_string));
    for (i, d) in dims.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(&d);
    }
    out.push(']');
    out
}

/// `7x7`, as one speaks of a kernel or an image.
pub(crate) fn by(sizes: &[Size]) -> String {
    sizes.iter().map(Size::to_string).collect::<Vec<_>>().join("x")
}

/// `7x7 kernel`, or `kernel of 7` over one axis.
pub(crate) fn sized(what: &str, sizes: &[Size]) -> String {
    if let [one] = sizes { format!("{what} of {one}") } else { format!("{} {what}", by(sizes)) }
}

/// The same shape, the same sizes; sizes only rustc knows count as equal.
pub(crate) fn fits(want: &[Size], got: &[Size]) -> bool {
    want.len() == got.len() && !want.iter().zip(got).any(|(a, b)| a.differs(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expr(text: &str) -> Size {
        Size::Expr(text.parse().unwrap())
    }

    #[test]
    fn known_sizes_fold() {
        assert_eq!(Size::from(6).mul(&7.into()).known(), Some(42));
        assert_eq!(Size::from(7).div(&2.into()).known(), Some(3));
        assert_eq!(Size::from(7).add(&2.into()).known(), Some(9));
        assert_eq!(Size::product(&[]).known(), Some(1));
    }

    #[test]
    fn unknown_sizes_become_expressions() {
        let h = expr("cfg::HIDDEN");
        assert_eq!(h.mul(&1.into()).to_string(), "cfg::HIDDEN");
        assert_eq!(h.mul(&4.into()).to_token_stream().to_string(), "(cfg :: HIDDEN * 4)");
        assert!(!h.differs(&3.into()));
        assert!(h.same(&expr("cfg::HIDDEN")));
    }

    #[test]
    fn shapes_read_as_written() {
        assert_eq!(show(&[128.into(), expr("cfg::W")], true), "[T, 128, cfg::W]");
        assert_eq!(show(&[], false), "[]");
        assert_eq!(sized("kernel", &[7.into(), 3.into()]), "7x3 kernel");
        assert_eq!(sized("kernel", &[7.into()]), "kernel of 7");
    }
}
