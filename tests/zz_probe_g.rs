//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net G(x: [6]) -> [6] { T = 70; step_mode = 's'; unroll = 2; drop: Dropout(0.5), #[record(spikes, voltage)] fc: IFNode(), MeanOverTime(), } }
#[test] fn t() -> Result<()> { let vs = nn::VarStore::new(Device::Cpu); let n = G::new(&vs.root())?; let x = G::input(Tensor::ones([2,6], (Kind::Float, Device::Cpu)))?; let (y, r) = n.forward_recorded(&x, true)?; assert_eq!(y.size(), [2,6]); assert_eq!(r.fc.voltage.size(), [70,2,6]); Ok(()) }
