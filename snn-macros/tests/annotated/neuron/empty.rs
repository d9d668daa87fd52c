//! Nothing to define.

snn_neuron! {}
// @error{`snn_neuron!` is empty}
// help{start with `neuron MyNode { .. }`}
