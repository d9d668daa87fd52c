//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net D(steps: [T, 6], cx: [6]) -> [T, 6] { T = 2; step_mode = 'm'; #[record(spikes)] taps: IFNode(), forward(steps, cx) { taps(add(steps, cx)) } } }
