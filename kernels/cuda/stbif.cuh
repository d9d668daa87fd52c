// Spike-tracing bipolar neurons over all their steps. In: inputs and the state; out: spikes, and the state moved on. There is no way back.
//
// A thread has VEC neighbouring neurons. Per neuron the bits are those of `snn_kernels::Stbif`. 8 bytes of f32 per neuron and step: x; y.
// SpikingJelly's are operations of torch, step by step.
#pragma once

#include "memory.cuh"

namespace snn {

template <typename F, typename E> struct Stbif {
    const E* x;                     // [steps, neurons]
    E* y;                           // [steps, neurons]
    const F* q0;                    // [neurons]: what is left over; null: 1/2
    const F* acc_q0;                // [neurons]: spikes so far; null: 0
    F* q;                           // [neurons] each: the same afterwards
    F* acc_q;
    F* cur_output;                  // [neurons]: the last spike
    double q_threshold, pos_max, neg_min;
    unsigned steps, neurons;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
    unsigned padding;
};

template <typename F, typename E, int VEC> SNN_DEVICE void stbif(const Stbif<F, E>& call) {
    const Lanes<VEC> at(call.neurons);
    const F height = F(call.q_threshold), most = F(call.pos_max), least = F(call.neg_min);
    F q[VEC], acc[VEC], c[VEC];
    load(q, call.q0 + at.first, call.wide, call.q0 ? at.left : 0);
    load(acc, call.acc_q0 + at.first, call.wide, call.acc_q0 ? at.left : 0);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (!call.q0) q[k] = F(0.5);
        c[k] = F(0);
    }
#pragma unroll 4
    for (unsigned t = 0; t < call.steps; t++) {
        const size_t row = (size_t)t * call.neurons + at.first;
        F x[VEC], y[VEC];
        load(x, call.x + row, call.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            q[k] = add(q[k], div(x[k], height));
            const F up = q[k] >= F(1) && acc[k] < most ? F(1) : F(0), down = q[k] < F(0) && acc[k] > least ? F(1) : F(0);
            c[k] = sub(up, down);
            acc[k] = add(acc[k], c[k]);
            q[k] = sub(q[k], c[k]);
            y[k] = mul(c[k], height);
        }
        store(y, call.y + row, call.wide, at.left);
    }
    store(q, call.q + at.first, call.wide, at.left);
    store(acc, call.acc_q + at.first, call.wide, at.left);
    store(c, call.cur_output + at.first, call.wide, at.left);
}

}  // namespace snn
