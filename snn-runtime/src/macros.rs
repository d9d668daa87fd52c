//! `snn_net!`, with the path of this crate put in front, so that it works under any name.

/// A spiking network, checked and generated at compile time.
///
/// Layers are declared like struct fields and wired in an optional `forward`; shapes, time axis, step modes and state are
/// checked, and every mistake is reported at once, on its token. The language is described in `docs/language.md`.
///
/// ```
/// use snn_runtime::{Device, Kind, Tensor, nn, snn_net};
///
/// snn_net! {
///     /// Three layers, four steps.
///     pub net Tiny(x: [1, 8, 8]) -> [10] {
///         T = 4;
///         step_mode = 'm';
///         surrogate = ATan;
///
///         conv: Conv2d(_, 4, kernel_size = 3, padding = 1),
///         sn: IFNode(),
///         MaxPool2d(2),
///         Flatten(),
///         fc: Linear(_, 10),
///         MeanOverTime(),
///     }
/// }
///
/// let vs = nn::VarStore::new(Device::Cpu);
/// let net = Tiny::new(&vs.root())?;
/// let x = Tiny::input(Tensor::rand([2, 1, 8, 8], (Kind::Float, Device::Cpu)))?;
/// let y = net.forward(&x)?;
/// assert_eq!(y.size(), [2, 10]);
/// println!("{}", Tiny::SUMMARY);
/// # Ok::<(), snn_runtime::Error>(())
/// ```
#[macro_export]
macro_rules! snn_net {
    ($($tokens:tt)*) => { $crate::__private::snn_net_impl! { ($crate) $($tokens)* } };
}
