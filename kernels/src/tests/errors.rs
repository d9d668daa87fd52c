//! Buffers of the wrong length, and dropout masks.

use crate::{
    BackwardOut, Channels, Constants, Draw, Error, ForwardOut, IFNodeConfig, Input, MAX_CONSTANTS, Pass, Upstream, backward, dropout_mask,
    forward, philox4x32,
};

fn neuron() -> (IFNodeConfig, Constants<f32>) {
    let neuron = IFNodeConfig { v_reset: None, ..IFNodeConfig::default() };
    (neuron, Constants::new(&neuron, &[], Channels::ONE).unwrap())
}

#[test]
fn forward_names_the_buffer() {
    let run = |x: usize, v0: usize, y: usize, v: usize, v_seq: usize| {
        let (x, v0) = (vec![0.0; x], vec![0.0; v0]);
        let (mut y, mut v_seq, mut v) = (vec![0.0; y], vec![0.0; v_seq], vec![0.0; v]);
        let (neuron, constants) = neuron();
        let start = [Some(v0.as_slice())];
        let pass =
            Pass { steps: 2, neurons: 3, x: Input::Sequence(&x), scale: None, start: &start, constants: &constants, draw: Draw::default() };
        forward(&neuron, pass, ForwardOut { y: &mut y, states: vec![&mut v], sequences: vec![Some(&mut v_seq)] })
    };
    let wrong = |what, want, got| Err(Error::Length { what, want, got });
    assert_eq!(run(6, 3, 6, 3, 6), Ok(()));
    assert_eq!(run(5, 3, 6, 3, 6), wrong("x", 6, 5));
    assert_eq!(run(6, 2, 6, 3, 6), wrong("start", 3, 2));
    assert_eq!(run(6, 3, 7, 3, 6), wrong("out.y", 6, 7));
    assert_eq!(run(6, 3, 6, 4, 6), wrong("out.states", 3, 4));
    assert_eq!(run(6, 3, 6, 3, 0), wrong("out.sequences", 6, 0));
    assert_eq!(run(5, 3, 6, 3, 6).unwrap_err().to_string(), "`x` holds 5 elements, the kernel needs 6");
}

#[test]
fn backward_names_the_buffer() {
    let run = |lens: [usize; 6]| {
        let buffers = lens.map(|len| vec![0.0f32; len]);
        let [x, v0, grad_y, grad_v, mut out_x, mut out_v0] = buffers;
        let (neuron, constants) = neuron();
        let start = [Some(v0.as_slice())];
        let pass =
            Pass { steps: 2, neurons: 3, x: Input::Static(&x), scale: None, start: &start, constants: &constants, draw: Draw::default() };
        let upstream = Upstream { y: Some(&grad_y), states: &[Some(&grad_v)] };
        backward(&neuron, pass, upstream, BackwardOut { x: Some(&mut out_x), start: vec![Some(&mut out_v0)], scale: None })
    };
    let good = [3, 3, 6, 3, 3, 3];
    assert_eq!(run(good), Ok(vec![[0.0; MAX_CONSTANTS]]));
    for (i, what) in ["x", "start", "upstream.y", "upstream.states", "out.x", "out.start"].into_iter().enumerate() {
        let mut lens = good;
        lens[i] += 1;
        assert_eq!(run(lens), Err(Error::Length { what, want: good[i], got: good[i] + 1 }));
    }
}

#[test]
fn absent_gradients_are_zero_and_absent_outputs_are_skipped() {
    let (neuron, constants) = neuron();
    let x = [1.0; 6];
    let pass = Pass { steps: 2, neurons: 3, x: Input::Sequence(&x), scale: None, start: &[], constants: &constants, draw: Draw::default() };
    let none = Upstream { y: None, states: &[] };
    assert_eq!(backward(&neuron, pass, none, BackwardOut { x: None, start: vec![], scale: None }), Ok(vec![[0.0; MAX_CONSTANTS]]));
    let mut grad = [f32::NAN; 6];
    backward(&neuron, pass, none, BackwardOut { x: Some(&mut grad), start: vec![], scale: None }).unwrap();
    assert_eq!(grad, [0.0; 6]);
}

#[test]
fn absurd_sizes() {
    let (neuron, constants) = neuron();
    let (steps, x) = (usize::MAX, Input::Sequence(&[][..]));
    let pass = Pass { steps, neurons: 4, x, scale: None, start: &[], constants: &constants, draw: Draw::default() };
    let err = forward(&neuron, pass, ForwardOut { y: &mut [], states: vec![&mut [0.0; 4]], sequences: vec![] });
    assert_eq!(err, Err(Error::Overflow { steps: usize::MAX, neurons: 4 }));
}

#[test]
fn dropout_keeps_the_right_share() {
    for p in [0.0, 0.1, 0.5, 0.9] {
        let mut mask = vec![f32::NAN; 400_001];
        dropout_mask(42, 0, 0, p, &mut mask).unwrap();
        let keep = (1.0 / (1.0 - p)) as f32;
        assert!(mask.iter().all(|&m| m == 0.0 || m == keep));
        let share = mask.iter().filter(|&&m| m > 0.0).count() as f64 / mask.len() as f64;
        // Five standard deviations.
        assert!((share - (1.0 - p)).abs() <= 5.0 * (p * (1.0 - p) / mask.len() as f64).sqrt(), "p = {p}: kept {share}");
    }
    for p in [-0.1, 1.0, f64::NAN] {
        assert!(matches!(dropout_mask(0, 0, 0, p, &mut [0.0f32]), Err(Error::Probability(_))));
    }
}

#[test]
fn dropout_elements_are_words_of_philox() {
    let mut mask = vec![f64::NAN; 4099];
    dropout_mask(0x1234_5678_9abc_def0, 3, 5, 0.5, &mut mask).unwrap();
    for (i, &m) in mask.iter().enumerate() {
        let word = philox4x32([(i / 4) as u32, 0, 5, 3], [0x9abc_def0, 0x1234_5678])[i % 4];
        assert_eq!(m, if word < 1 << 31 { 2.0 } else { 0.0 }, "element {i}");
    }
    // Another seed, stream or draw is another mask.
    let differs = |seed, stream, draw| {
        let mut other = vec![f64::NAN; 4099];
        dropout_mask(seed, stream, draw, 0.5, &mut other).unwrap();
        let same = other.iter().zip(&mask).filter(|(a, b)| a == b).count();
        (1800..2300).contains(&same)
    };
    assert!(differs(0x1234_5678_9abc_def1, 3, 5) && differs(0x1234_5678_9abc_def0, 4, 5) && differs(0x1234_5678_9abc_def0, 3, 6));
}
