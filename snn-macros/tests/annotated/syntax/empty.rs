//! An empty macro.

snn_net! {}
// @error{`snn_net!` is empty}
// help{start with `net Net(x: [784]) -> [10] { .. }`}
