// Settings and sizes handed through the user's own macro_rules, and one step returned under two names.
#[macro_use]
#[path = "../support/snn.rs"]
mod snn;

macro_rules! family {
    ($name:ident, $mode:literal, $steps:expr, $n:literal) => {
        snn_net! {
            /// Made by a macro.
            pub net $name(x: [T, 8]) -> ([$n], [$n]) {
                T = $steps;
                step_mode = $mode;
                fc: Linear(_, $n), sn: IFNode(),
                forward(x) { let y = sn(fc(x)); (mean_over_time(y), mean_over_time(y)) }
            }
        }
    };
}

family!(Steps, 's', 2 + 2, 10);
family!(Sequences, 'm', 4, 12);

fn main() {}
