//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net A<const H: usize>(x: [T, 6]) -> (y: [T, H], z: [T, 6]) { T = 2; step_mode = 'm'; fc: Linear(_, H), sn: IFNode(), forward(x) { (sn(fc(x)), x) } } }
#[test] fn t() -> Result<()> { let vs = nn::VarStore::new(Device::Cpu); let n = A::<3>::new(&vs.root())?; let y = n.forward(&A::<3>::input(Tensor::zeros([2,1,6], (Kind::Float, Device::Cpu)))?)?; assert_eq!(y.y.size(), [2,1,3]); Ok(()) }
