//! The order of samples. In: how many, a seed and an epoch; out: a permutation that nothing else decides.

use snn_kernels::philox4x32;

/// `0..n` in random order: Fisher and Yates, on a counter-based generator. It depends on the three numbers only, not on torch's
/// generator, the batch size or the number of threads.
pub fn permutation(n: usize, seed: u64, epoch: u32) -> Vec<usize> {
    let key = [seed as u32, (seed >> 32) as u32];
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        let [low, high, ..] = philox4x32([i as u32, (i as u64 >> 32) as u32, epoch, 0], key);
        let random = u128::from(low) | u128::from(high) << 32;
        let j = (random * (i as u128 + 1)) >> 64; // from 0 to i
        order.swap(i, j as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_there_once() {
        let order = permutation(1000, 1, 0);
        assert_eq!(order, permutation(1000, 1, 0));
        assert!(order != permutation(1000, 1, 1) && order != permutation(1000, 2, 0) && order != permutation(1000, 1 << 32, 0));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn first_places_are_uniform() {
        let mut counts = [0; 6];
        for seed in 0..6000 {
            counts[permutation(6, seed, 0)[0]] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
    }
}
