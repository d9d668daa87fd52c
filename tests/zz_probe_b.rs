//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net B(x: [T, 6]) -> [T, 6] { T = 2; step_mode = 'm'; batch: IFNode(), } }
