//! Truncated backpropagation through time. In: a long recording in pieces; out: outputs of the whole, and gradients that end at the cut.

mod support;

use snn::{Kind, Shape1, Steps, Tensor, snn_net};
use support::{assert_says, input, shake, store};

snn_net! {
    net Long(x: [T, 3]) -> [T, 2] {
        T = 5;
        step_mode = 'm';
        fc1: Linear(_, 6), LIFNode(tau = 4.0),
        SynapseFilter(tau = 3.0),
        fc2: Linear(_, 2),
        sn: LIFNode(tau = 4.0, v_reset = None),
    }
}

fn recording(x: &Tensor) -> Steps<Shape1<3>> {
    Steps::new(x.shallow_clone()).unwrap()
}

#[test]
fn pieces_are_the_whole() {
    let x = recording(&input(&[13, 2, 3]));
    assert_eq!(x.chunks(5).unwrap().map(|piece| piece.steps()).collect::<Vec<_>>(), [5, 5, 3]);
    assert_eq!((x.chunks(5).unwrap().len(), x.chunks(13).unwrap().len(), x.chunks(usize::MAX).unwrap().count()), (3, 1, 1));
    assert!(Tensor::cat(&x.chunks(4).unwrap().map(Steps::into_tensor).collect::<Vec<_>>(), 0).equal(&x));
    assert_says(x.chunks(0).map(drop), &["Steps: `steps` must be at least 1, but is 0"]);

    let vs = store();
    let net = Long::new(&vs.root()).unwrap();
    shake(&vs);
    let whole = net.forward_chunk(&x, &mut net.state(2), false).unwrap();
    assert!(whole.sum(Kind::Float).double_value(&[]) > 0.0, "it fires");
    let mut s = net.state(2);
    let pieces: Vec<Tensor> = x
        .chunks(5)
        .unwrap()
        .map(|piece| {
            let y = net.forward_chunk(&piece, &mut s, false).unwrap();
            s.detach();
            y.into_tensor()
        })
        .collect();
    assert!(Tensor::cat(&pieces, 0).equal(&whole), "a cut changes no output");
}

/// The gradient of the last piece's output with respect to each step of the recording.
fn gradient(cut: bool) -> Vec<bool> {
    let vs = store();
    let net = Long::new(&vs.root()).unwrap();
    shake(&vs);
    let x = input(&[10, 1, 3]).set_requires_grad(true);
    let mut s = net.state(1);
    let mut last = None;
    for piece in recording(&x).chunks(5).unwrap() {
        if cut {
            s.detach();
        }
        last = Some(net.forward_chunk(&piece, &mut s, true).unwrap());
    }
    last.unwrap().sum(Kind::Float).backward();
    (0..10).map(|t| x.grad().get(t).abs().sum(Kind::Float).double_value(&[]) > 0.0).collect()
}

#[test]
fn gradients_stop_at_the_cut() {
    assert_eq!(gradient(false), [true; 10], "without a cut they reach the first step");
    let want: Vec<bool> = (0..10).map(|t| t >= 5).collect();
    assert_eq!(gradient(true), want);
}
