//! Did-you-mean. In: a name nobody knows and the names that exist; out: the one that was probably meant.

/// The candidate nearest to `name`, if it is near enough to be a slip of the finger: about one edit per three letters.
/// Capitals count next to nothing (`Conv2D` is `Conv2d`), two letters swapped count as one edit, and so does a piece
/// left out at the end (`MaxPool` for `MaxPool2d`).
pub(crate) fn closest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = fold(name);
    let limit = (wanted.len() / 3).clamp(1, 4);
    let score = |candidate: &str| -> Option<(usize, usize)> {
        let letters = fold(candidate);
        let edits = distance(&wanted, &letters);
        // One or two letters have nothing in common but their number.
        let shares_nothing = edits >= wanted.len().max(letters.len());
        let cut_short = wanted.len() >= 3 && letters.starts_with(&wanted);
        if (edits <= limit && !shares_nothing) || cut_short {
            Some((edits, distance(&name.chars().collect::<Vec<_>>(), &candidate.chars().collect::<Vec<_>>())))
        } else {
            None
        }
    };
    candidates.into_iter().filter(|c| *c != name).filter_map(|c| Some((score(c)?, c))).min_by_key(|(score, _)| *score).map(|(_, c)| c)
}

/// Lower case, without underscores: `step_mode`, `stepMode` and `StepMode` are one word.
fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// Damerau-Levenshtein (optimal string alignment): insertions, deletions, substitutions, swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [&str; 8] = ["Conv2d", "Conv1d", "Linear", "BatchNorm2d", "MaxPool2d", "LIFNode", "IFNode", "ParametricLIFNode"];

    #[test]
    fn finds_slips() {
        for (typed, meant) in [
            ("Conv2D", "Conv2d"),
            ("conv2d", "Conv2d"),
            ("Cnov2d", "Conv2d"),
            ("Con2d", "Conv2d"),
            ("Liner", "Linear"),
            ("Linaer", "Linear"),
            ("BatchNorm", "BatchNorm2d"),
            ("batch_norm2d", "BatchNorm2d"),
            ("MaxPool", "MaxPool2d"),
            ("LifNode", "LIFNode"),
            ("ParametricLifNode", "ParametricLIFNode"),
        ] {
            assert_eq!(closest(typed, LAYERS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn keeps_quiet_about_strangers() {
        for typed in ["Transformer", "x", "", "Embedding", "Softmax", "T"] {
            assert_eq!(closest(typed, LAYERS), None, "{typed}");
        }
        assert_eq!(closest("y", ["x", "h"]), None);
        assert_eq!(closest("é", ["x"]), None);
    }

    #[test]
    fn the_name_itself_is_no_suggestion() {
        assert_eq!(closest("x", ["x"]), None);
    }

    #[test]
    fn prefers_the_spelling_nearest_in_capitals() {
        assert_eq!(closest("iFNode", ["IFnODE", "IFNode"]), Some("IFNode"));
    }

    #[test]
    fn swaps_count_once() {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("ab"), &chars("ba")), 1);
        assert_eq!(distance(&chars("kernel"), &chars("kernel")), 0);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
    }
}
