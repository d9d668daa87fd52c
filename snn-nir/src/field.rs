//! The fields of a node, between Rust's types and what a file stores. In: a dataset's text or numbers; out: a typed value, or what it wants
//! and what is there instead. And the way back.

use crate::array::Array;

/// What a dataset holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    Text(String),
    Numbers {
        shape: Vec<usize>,
        data: Vec<f64>,
        /// Are they integers in the file?
        whole: bool,
    },
}

impl Stored {
    fn whole(shape: Vec<usize>, data: impl IntoIterator<Item = f64>) -> Stored {
        Stored::Numbers { shape, data: data.into_iter().collect(), whole: true }
    }

    /// As an error shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Stored::Text(text) => format!("the text `{text}`"),
            Stored::Numbers { shape, data, .. } if shape.is_empty() => data.first().map_or("nothing".into(), ToString::to_string),
            Stored::Numbers { shape, data, .. } if data.len() <= 4 => format!("{data:?} of shape {shape:?}"),
            Stored::Numbers { shape, .. } => format!("numbers of shape {shape:?}"),
        }
    }
}

/// A type that a field can have.
pub(crate) trait Field: Sized {
    /// What it wants, in words.
    fn wants() -> String;
    /// `None`: what is there is something else.
    fn of(stored: &Stored) -> Option<Self>;
    /// `None`: the field is left out.
    fn stored(&self) -> Option<Stored>;
    /// Could a file hold it? A graph that is built in Rust may hold nothing at all, infinity, or sizes beyond counting.
    fn fits(&self) -> bool {
        self.stored().is_none_or(|stored| Self::of(&stored).is_some())
    }
    /// What stands for a field that is not there.
    fn absent() -> Option<Self> {
        None
    }
}

impl Field for Array {
    fn wants() -> String {
        "finite numbers".into()
    }

    fn of(stored: &Stored) -> Option<Array> {
        match stored {
            Stored::Numbers { shape, data, .. } => Array::new(shape.clone(), data.clone()).ok().filter(Array::fits),
            Stored::Text(_) => None,
        }
    }

    fn fits(&self) -> bool {
        !self.data().is_empty() && self.data().iter().all(|x| x.is_finite())
    }

    fn stored(&self) -> Option<Stored> {
        Some(Stored::Numbers { shape: self.shape().to_vec(), data: self.data().to_vec(), whole: false })
    }
}

impl<F: Field> Field for Option<F> {
    fn wants() -> String {
        F::wants()
    }

    fn of(stored: &Stored) -> Option<Option<F>> {
        F::of(stored).map(Some)
    }

    fn stored(&self) -> Option<Stored> {
        self.as_ref().and_then(F::stored)
    }

    fn fits(&self) -> bool {
        self.as_ref().is_none_or(F::fits)
    }

    fn absent() -> Option<Option<F>> {
        Some(None)
    }
}

/// Whole numbers, of any of the stored kinds.
fn integers(stored: &Stored) -> Option<(&[usize], Vec<i64>)> {
    let Stored::Numbers { shape, data, .. } = stored else { return None };
    let whole = |&x: &f64| (x.fract() == 0.0 && x.abs() < 2f64.powi(53)).then_some(x as i64);
    Some((shape, data.iter().map(whole).collect::<Option<_>>()?))
}

fn sizes(stored: &Stored) -> Option<(&[usize], Vec<usize>)> {
    let (shape, data) = integers(stored)?;
    // Products of sizes are counts of cells: what is larger than this is a mistake.
    let size = |x: i64| usize::try_from(x).ok().filter(|&size| size <= 1 << 24);
    Some((shape, data.into_iter().map(size).collect::<Option<_>>()?))
}

impl Field for i64 {
    fn wants() -> String {
        "a whole number".into()
    }

    fn of(stored: &Stored) -> Option<i64> {
        match integers(stored)?.1.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    fn stored(&self) -> Option<Stored> {
        Some(Stored::whole(vec![], [*self as f64]))
    }
}

impl Field for usize {
    fn wants() -> String {
        "a whole number from 0 on".into()
    }

    fn of(stored: &Stored) -> Option<usize> {
        match sizes(stored)?.1.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    fn stored(&self) -> Option<Stored> {
        Some(Stored::whole(vec![], [*self as f64]))
    }
}

impl Field for Vec<usize> {
    fn wants() -> String {
        "the sizes of a shape".into()
    }

    fn of(stored: &Stored) -> Option<Vec<usize>> {
        let (shape, sizes) = sizes(stored)?;
        (shape.len() <= 1 && !sizes.contains(&0)).then_some(sizes)
    }

    fn stored(&self) -> Option<Stored> {
        Some(Stored::whole(vec![self.len()], self.iter().map(|&size| size as f64)))
    }
}

/// One number for each axis; a single one holds for all of them.
impl<const AXES: usize> Field for [usize; AXES] {
    fn wants() -> String {
        if AXES == 1 { usize::wants() } else { format!("{AXES} whole numbers from 0 on, or one for all axes") }
    }

    fn of(stored: &Stored) -> Option<[usize; AXES]> {
        match sizes(stored)?.1.as_slice() {
            [one] => Some([*one; AXES]),
            several => several.try_into().ok(),
        }
    }

    fn stored(&self) -> Option<Stored> {
        let shape = if AXES == 1 { vec![] } else { vec![AXES] };
        Some(Stored::whole(shape, self.iter().map(|&size| size as f64)))
    }
}

/// The zeros around the input of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding<const AXES: usize> {
    /// As many as keep the sizes; the odd one stands behind, as in torch.
    Same,
    /// None.
    Valid,
    /// So many before and behind, for each axis.
    Each([usize; AXES]),
}

impl<const AXES: usize> Field for Padding<AXES> {
    fn wants() -> String {
        format!("{}, `same` or `valid`", <[usize; AXES]>::wants())
    }

    fn of(stored: &Stored) -> Option<Padding<AXES>> {
        match stored {
            Stored::Text(text) if text == "same" => Some(Padding::Same),
            Stored::Text(text) if text == "valid" => Some(Padding::Valid),
            Stored::Text(_) => None,
            Stored::Numbers { .. } => <[usize; AXES]>::of(stored).map(Padding::Each),
        }
    }

    fn stored(&self) -> Option<Stored> {
        match self {
            Padding::Same => Some(Stored::Text("same".into())),
            Padding::Valid => Some(Stored::Text("valid".into())),
            Padding::Each(each) => each.stored(),
        }
    }
}
