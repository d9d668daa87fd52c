// Must be reported: a shortcut without the stride of its block.
#[macro_use]
#[path = "support/snn.rs"]
mod snn;

snn_net! {
    block Sew(c) {
        conv: [Conv2d(_, c, 3, stride = 2, padding = 1), IFNode()],
        shortcut: Identity(),
        forward(x) { sew_add(conv(x), shortcut(x)) }
    }
    net Net(x: [T, 64, 56, 56]) -> [T, 128, 28, 28] { T = 4; Sew(128) }
}

fn main() {}
