//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net H(x: [T, 6]) -> (x: [T, 6], steps: [6]) { T = 2; step_mode = 's'; tensor: [a: Linear(_, 6), new: IFNode()], state: IFNode(), forward(x) { let y = state(tensor(x)); (y, mean_over_time(y)) } } }
#[test] fn t() -> Result<()> { let vs = nn::VarStore::new(Device::Cpu); let n = H::new(&vs.root())?; let x = H::input(Tensor::ones([2,2,6], (Kind::Float, Device::Cpu)))?; let y = n.forward(&x)?; assert_eq!(y.x.size(), [2,2,6]); let mut s = n.state(2); n.step(&x.step(0).unwrap(), &mut s)?; println!("{:?}", s.named_tensors()); Ok(()) }
