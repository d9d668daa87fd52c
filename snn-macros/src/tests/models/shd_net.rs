snn_net! {
    use crate::layers::SpikeAttention;      // a layer of the user's own
    use crate::ops::time_shift;             // a function of the user's own
    const CLASSES: usize = 20;

    pub net ShdNet(x: [T, 700], gate: [64]) -> (logits: [CLASSES], trace: [T, 256]) {
        T = 100;
        step_mode = 's';

        rec1: LinearRecurrentContainer([Linear(_, 256), LIFNode(tau = 2.0, v_reset = None)], 700, 256),
        rec2: ElementWiseRecurrentContainer([Linear(_, 256), ParametricLIFNode(init_tau = 2.0)], add),
        syn: SynapseFilter(tau = 100.0, learnable = true),
        delay: Delay(2),
        att: SpikeAttention(heads = 4),
        read: [Linear(_, CLASSES), LIFNode(v_threshold = f64::INFINITY)],
        proj: Linear(_, 64),

        forward(x, gate) {
            let h = time_shift(rec2(rec1(x)), 1);
            let trace = delay(syn(h));
            (max_over_time(read(att(cat(trace, proj(gate))))), trace)
        }
    }
}
