// Must be reported: a sequence given to a net that takes one step.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

snn_net! {
    net Net(x: [T, 8]) -> [T, 10] {
        T = 4;
        Linear(_, 10), IFNode(),
    }
}

fn step(net: &Net, x: &snn::__private::Seq<snn::__private::Shape1<8>, 4>, s: &mut NetState) {
    let _ = net.step(x, s);
}

fn main() {}
