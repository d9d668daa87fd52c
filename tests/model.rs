//! What a user does with a generated model: build, run, stream, record, train.

use snn::{Device, Kind, Result, Tensor, nn, snn_net};

snn_net! {
    /// Convolutional SNN, in miniature.
    pub net Csnn(x: [1, 12, 12]) -> [10] {
        T = 4;
        step_mode = 'm';
        surrogate = ATan;
        const CH: usize = 4;

        conv1: Conv2d(_, CH, kernel_size = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        #[record(spikes)]
        sn1: IFNode(),
        MaxPool2d(2),

        conv2: Conv2d(_, CH, 3, padding = 1, bias = false),
        BatchNorm2d(_), #[record(spikes, voltage)] lif: LIFNode(tau = 2.0), MaxPool2d(2),

        Flatten(),
        fc1: Linear(_, CH * 4, bias = false), IFNode(),
        fc2: Linear(_, 10, bias = false), sn4: IFNode(),
        MeanOverTime(),
    }
}

#[test]
fn forward_gives_the_declared_shape() -> Result<()> {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Csnn::new(&vs.root())?;
    let x = Csnn::input(Tensor::rand([3, 1, 12, 12], (Kind::Float, Device::Cpu)))?;
    let y = net.forward(&x)?;
    assert_eq!(y.size(), [3, 10]);
    let (y2, rec) = net.forward_recorded(&x, false)?;
    assert_eq!(y.tensor(), y2.tensor());
    assert_eq!(rec.sn1.spikes.size(), [4, 3, 4, 12, 12]);
    assert_eq!(rec.lif.voltage.size(), [4, 3, 4, 6, 6]);
    println!("{}", Csnn::SUMMARY);
    Ok(())
}
