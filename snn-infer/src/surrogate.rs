//! Surrogate functions, which nets name in their settings. In a frozen net only their forward side matters: mostly a step.

pub use snn_kernels::{
    ATan, DeterministicPass, Erf, FakeNumericalGradient, LeakyKReLU, LogTailedReLU, MultiLevelSpikeCount, NonzeroSignLogAbs, PiecewiseExp,
    PiecewiseLeakyReLU, PiecewiseQuadratic, PoissonPass, QPseudoSpike, Rect, S2NN, Sigmoid, SoftSign, SquarewaveFourierSeries, SuperSpike,
    Surrogate,
};
