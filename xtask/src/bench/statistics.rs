//! Times of rounds. In: seconds; out: medians and ratios.

/// The middle of the numbers, or the mean of the two in the middle; NaN of none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => sorted[n / 2],
        _ => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// How many times as long as `base` somebody takes, in the middle round and in the extreme ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) middle: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    /// Round by round, so that what slows a round down slows both sides of its ratio. None without rounds.
    pub(crate) fn of(rounds: &[f64], base: &[f64]) -> Option<Ratio> {
        let ratios: Vec<f64> = rounds.iter().zip(base).map(|(a, b)| a / b).collect();
        let least = ratios.iter().copied().min_by(f64::total_cmp)?;
        let most = ratios.iter().copied().max_by(f64::total_cmp)?;
        Some(Ratio { middle: median(&ratios), least, most })
    }
}

/// How many iterations fill about half a second, if one takes `seconds`: at least one, at most 200.
pub(crate) fn iterations(seconds: f64) -> usize {
    const TURN: f64 = 0.5;
    ((TURN / seconds.max(1e-6)).round() as usize).clamp(1, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_do_not_mind_outliers() {
        assert_eq!(median(&[3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The second round ran on a machine three times as slow: the ratio does not see it.
        let ratio = Ratio::of(&[2.0, 6.0, 2.2], &[1.0, 3.0, 1.0]).unwrap();
        assert_eq!(ratio, Ratio { middle: 2.0, least: 2.0, most: 2.2 });
        assert_eq!(Ratio::of(&[], &[]), None);
    }

    #[test]
    fn turns_take_half_a_second() {
        assert_eq!((iterations(0.1), iterations(2.0), iterations(1e-9)), (5, 1, 200));
    }
}
