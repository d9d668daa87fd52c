//! Functions of the language. In: values of one shape, or one sequence; out: one value.

use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Fact, Layout, Time, Value};

/// What joins values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// a + b + ..
    Add,
    /// a - b - ..
    Sub,
    /// a * b * ..
    Mul,
    /// The largest.
    Max,
    /// (1 - a) * b
    Iand,
    /// Beside each other, along the channels.
    Cat,
    /// Beside each other, along the last of several axes: cells lie in so many rows.
    CatLast(usize),
    /// Beside each other, as channels of their own.
    Stack,
}

impl Function {
    /// Its name in the language; others give the same.
    pub(crate) fn named(name: &str) -> Option<Function> {
        Some(match name {
            "add" | "sew_add" => Function::Add,
            "sub" => Function::Sub,
            "mul" | "sew_and" => Function::Mul,
            "max" => Function::Max,
            "sew_iand" => Function::Iand,
            "cat" | "cat_last" => Function::Cat,
            "stack" => Function::Stack,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Add => "add",
            Function::Sub => "sub",
            Function::Mul => "mul",
            Function::Max => "max",
            Function::Iand => "iand",
            Function::Cat => "cat",
            Function::CatLast(_) => "cat_last",
            Function::Stack => "stack",
        }
    }

    /// The same values, in one layout where they are joined element by element.
    pub(crate) fn align(self, b: &mut Builder, args: &[Value]) -> Vec<Value> {
        let beside = matches!(self, Function::Cat | Function::CatLast(_) | Function::Stack);
        let layouts = args.windows(2).all(|pair| b.fact(pair[0]).layout == b.fact(pair[1]).layout);
        if layouts && !beside { args.to_vec() } else { args.iter().map(|v| b.canonical(*v)).collect() }
    }

    pub(crate) fn output(self, full: &str, args: &[&Fact]) -> Result<Fact> {
        let [first, others @ ..] = args else { return Err(Error::shape(full, "at least one value", &[0], "")) };
        if self == Function::Iand && others.len() != 1 {
            return Err(Error::shape(full, "two values", &[args.len()], ""));
        }
        let time = args.iter().map(|a| a.time).max().unwrap_or(first.time);
        if time == Time::Reduced && args.iter().any(|a| a.time == Time::Sequence) {
            return Err(Error::shape(full, "values that all have a time axis, or none", &first.shape, "take the mean over time of both"));
        }
        // All axes have to agree but the one along which they are joined.
        let rest = |f: &Fact| match (self, &f.shape[..]) {
            (Function::Cat, shape) => shape.get(1..).map(<[usize]>::to_vec),
            (Function::CatLast(_), [others @ .., _]) => Some(others.to_vec()),
            (_, shape) => Some(shape.to_vec()),
        };
        if let Some(other) = others.iter().find(|other| rest(other) != rest(first)) {
            return Err(Error::shape(full, format!("the same as {:?}", first.shape), &other.shape, "bring both to one size first"));
        }
        Ok(match self {
            Function::Cat => {
                let channels = args.iter().filter_map(|a| a.shape.first()).sum::<usize>();
                let shape = [&[channels], first.shape.get(1..).unwrap_or_default()].concat();
                Fact::new(&shape, time)
            }
            Function::CatLast(_) => {
                let last = args.iter().filter_map(|a| a.shape.last()).sum::<usize>();
                let mut shape = first.shape.clone();
                shape.pop();
                shape.push(last);
                Fact::new(&shape, time)
            }
            Function::Stack => Fact::new(&[&[args.len()], &first.shape[..]].concat(), time),
            _ => Fact { shape: first.shape.clone(), layout: first.layout, time },
        })
    }

    /// Writes the element of one cell: `at(i)` gives the channels of argument i there.
    pub(crate) fn two(self, a: f32, b: f32) -> f32 {
        match self {
            Function::Sub => a - b,
            Function::Mul => a * b,
            Function::Max => {
                if a > b || a.is_nan() {
                    a
                } else {
                    b
                }
            }
            Function::Iand => (1.0 - a) * b,
            Function::Add | Function::Cat | Function::CatLast(_) | Function::Stack => a + b,
        }
    }

    /// What an argument takes along the axis on which it is joined.
    pub(crate) fn extent(self, layout: Layout) -> usize {
        match self {
            Function::CatLast(rows) => layout.cells / rows.max(1),
            _ => layout.channels,
        }
    }

    /// Where element (cell, channel) of argument `i`, laid out as `layout`, goes, as cell and channel of the output, laid out as `into`.
    pub(crate) fn beside(self, i: usize, before: usize, layout: Layout, into: Layout, cell: usize, channel: usize) -> (usize, usize) {
        match self {
            Function::CatLast(_) => {
                let (own, all) = (self.extent(layout), self.extent(into));
                (cell / own * all + before + cell % own, channel)
            }
            Function::Stack => (channel * layout.cells + cell, i),
            _ => (cell, before + channel),
        }
    }
}

/// What becomes of the steps of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduce {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The largest.
    Max,
    /// The last.
    Last,
}

impl Reduce {
    pub(crate) fn named(name: &str) -> Option<Reduce> {
        Some(match name {
            "mean_over_time" => Reduce::Mean,
            "sum_over_time" => Reduce::Sum,
            "max_over_time" => Reduce::Max,
            "last_step" => Reduce::Last,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Reduce::Mean => "mean over time",
            Reduce::Sum => "sum over time",
            Reduce::Max => "max over time",
            Reduce::Last => "last step",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Model};

    #[test]
    fn the_first_axis_is_joined_or_the_last() {
        let mut b = Builder::new("Net", 2);
        let (flat, wide) = (b.input("a", &[3], true), b.input("b", &[2, 3], true));
        let joined = b.function("cat_last", &[flat, flat]).expect("flat values");
        assert_eq!(b.fact(joined).shape, [6]);
        let joined = b.function("cat_last", &[wide, wide]).expect("equal before the last axis");
        assert_eq!(b.fact(joined).shape, [2, 6]);
        let high = b.input("c", &[4, 3], true);
        let error = b.function("cat_last", &[wide, high]).unwrap_err().to_string();
        assert!(error.contains("Net.cat_last") && error.contains("[2, 3]") && error.contains("[4, 3]"), "{error}");
        let joined = b.function("cat", &[wide, wide]).expect("equal behind the first axis");
        assert_eq!(b.fact(joined).shape, [4, 3]);
    }

    #[test]
    fn rows_are_joined_row_by_row() {
        let mut b = Builder::new("Net", 1);
        let (x, z) = (b.input("x", &[2, 2, 2], false), b.input("z", &[2, 2, 1], false));
        let y = b.function("cat_last", &[x, z]).expect("equal before the last axis");
        b.output("y", y);
        let mut model = Model::new(b.finish(), |_| None).expect("it has no weights");
        let mut y = [0.0; 12];
        model.infer(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[-1.0, -2.0, -3.0, -4.0]], &mut [&mut y]).expect("it fits");
        assert_eq!(y, [1.0, 2.0, -1.0, 3.0, 4.0, -2.0, 5.0, 6.0, -3.0, 7.0, 8.0, -4.0]);
    }
}
