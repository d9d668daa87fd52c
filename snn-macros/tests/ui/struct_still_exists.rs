// Must be reported: the layer alone. The struct exists, so that the code that uses it is not blamed.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [8]) -> [10] { T = 4; Linear(9, 10), IFNode(), MeanOverTime() }
}

fn user(net: &Net, x: &snn::__private::Static<snn::__private::Shape1<8>>) {
    let mut s = net.state(2);
    let _ = (net.forward(x), net.step(x, &mut s));
    s.reset();
}

fn main() {}
