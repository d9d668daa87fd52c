//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net C(s: [T, 6], train: [6]) -> [T, 6] { T = 2; step_mode = 's'; fc: IFNode(), forward(s, train) { fc(add(s, train)) } } }
