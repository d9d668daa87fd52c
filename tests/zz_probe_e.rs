//! probe
#![allow(dead_code, unused_imports, missing_docs)] use snn::*;
snn_net! { net E<const N: usize>(x: [T, 6]) -> [T, 6] { T = N; step_mode = 's'; fc: IFNode(), } }
#[test] fn t() -> Result<()> { let vs = nn::VarStore::new(Device::Cpu); let n = E::<3>::new(&vs.root())?; let y = n.forward(&E::<3>::input(Tensor::zeros([3,1,6], (Kind::Float, Device::Cpu)))?)?; assert_eq!(y.size(), [3,1,6]); assert_eq!(E::<3>::T, 3); Ok(()) }
