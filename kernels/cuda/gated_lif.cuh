// Gated LIF neurons over all their steps, forward and backward. In: inputs, the first potential and each channel's constants; out: spikes,
// the last potential, gradients.
//
// A thread has VEC neighbouring neurons. The backward pass runs forward again; up to SEG steps it keeps the potentials in registers, else
// (SEG = 0) in memory. Per neuron the bits are those of `snn_kernels::GatedLif`.
//
// Bytes per neuron and step, f32 (constants left out); SpikingJelly's are operations of torch, step by step, each of which reads and writes rows:
//
//               | reads           | writes                         | bytes
//      forward  | x               | y                              | 8
//      backward | x twice, grad_y | grad_x, 1 + 5 / T of constants | 20 + 20 / T (SEG = 0: 8 more)
#pragma once

#include "firing.cuh"

namespace snn {

template <typename F, typename E> struct GatedLif {
    const E* x;                     // [steps, neurons]
    const F* constants;             // [5 + steps, channels]: keep, decay, gate, drop, threshold, then gain by step
    const F* v0;                    // [neurons], or null for 0
    E* y;                           // [steps, neurons]
    F* v;                           // [neurons]
    F* v_seq;                       // [steps, neurons], or null; backward with SEG = 0: room for that
    const E* grad_y;                // [steps, neurons], or null for 0
    const F* grad_v;                // [neurons], or null for 0
    E* grad_x;                      // [steps, neurons], or null
    F* grad_v0;                     // [neurons], or null
    F* grad_constants;              // [5 + steps, neurons]
    Fires<F> fires;
    unsigned steps, neurons, channels, plane;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
    unsigned padding;
};

// VEC neurons with their constants.
template <typename Fire, typename F, typename E, int VEC> struct Gated {
    const GatedLif<F, E>& call;
    const Lanes<VEC> at;
    unsigned channel[VEC];
    F keep[VEC], decay[VEC], gate[VEC], drop[VEC], threshold[VEC];

    SNN_DEVICE explicit Gated(const GatedLif<F, E>& call) : call(call), at(call.neurons) {
#pragma unroll
        for (int k = 0; k < VEC; k++) channel[k] = (at.first + k) / call.plane % call.channels;
        row(keep, 0);
        row(decay, 1);
        row(gate, 2);
        row(drop, 3);
        row(threshold, 4);
    }

    SNN_DEVICE void row(F (&to)[VEC], unsigned row) const {
#pragma unroll
        for (int k = 0; k < VEC; k++) to[k] = call.constants[row * call.channels + channel[k]];
    }
    SNN_DEVICE size_t step(unsigned t) const { return (size_t)t * call.neurons + at.first; }
    SNN_DEVICE void start(F (&v)[VEC]) const { load(v, call.v0 + at.first, call.wide, call.v0 ? at.left : 0); }

    // How far the potential is over its threshold.
    SNN_DEVICE void over(const F (&v)[VEC], F (&out)[VEC]) const {
#pragma unroll
        for (int k = 0; k < VEC; k++) out[k] = sub(v[k], threshold[k]);
    }
    SNN_DEVICE void spikes(const F (&v)[VEC], unsigned t, F (&s)[VEC]) const {
        F far[VEC];
        over(v, far);
        call.fires.template spikes<Fire>(at.first, t, far, s);
    }
    // The potential after step t.
    SNN_DEVICE void charge(unsigned t, F (&v)[VEC], const F (&s)[VEC]) const {
        F x[VEC], gain[VEC];
        load(x, call.x + step(t), call.wide, at.left);
        row(gain, 5 + t);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F kept = mul(keep[k], v[k]), charged = add(sub(kept, decay[k]), mul(x[k], gain[k]));
            v[k] = sub(sub(charged, mul(mul(kept, gate[k]), s[k])), mul(drop[k], s[k]));
        }
    }
};

template <typename Fire, typename F, typename E, int VEC> SNN_DEVICE void gated_lif(const GatedLif<F, E>& call) {
    const Gated<Fire, F, E, VEC> block(call);
    F v[VEC], s[VEC];
    block.start(v);
#pragma unroll
    for (int k = 0; k < VEC; k++) s[k] = F(0);
#pragma unroll 2
    for (unsigned t = 0; t < call.steps; t++) {
        block.charge(t, v, s);
        block.spikes(v, t, s);
        store(s, call.y + block.step(t), call.wide, block.at.left);
        if (call.v_seq) store(v, call.v_seq + block.step(t), call.wide, block.at.left);
    }
    store(v, call.v + block.at.first, call.wide, block.at.left);
}

template <typename Fire, typename F, typename E, int VEC, int SEG> SNN_DEVICE void gated_lif_backward(const GatedLif<F, E>& call) {
    const Gated<Fire, F, E, VEC> block(call);
    const unsigned most = SEG > 0 ? SEG : call.steps;
    F held[SEG > 0 ? SEG : 1][VEC], start[VEC], v[VEC], s[VEC];
    block.start(start);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        v[k] = start[k];
        s[k] = F(0);
    }
#pragma unroll
    for (unsigned t = 0; t < most; t++) {
        if (t >= call.steps) break;
        block.charge(t, v, s);
        block.spikes(v, t, s);
        if constexpr (SEG > 0) {
#pragma unroll
            for (int k = 0; k < VEC; k++) held[t][k] = v[k];
        } else {
            store(v, call.v_seq + block.step(t), call.wide, block.at.left);
        }
    }

    F grad_v[VEC], grad_s[VEC], sums[5][VEC];
    load(grad_v, call.grad_v + block.at.first, call.wide, call.grad_v ? block.at.left : 0);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        grad_s[k] = F(0);
#pragma unroll
        for (int i = 0; i < 5; i++) sums[i][k] = F(0);
    }
#pragma unroll
    for (int step = (int)most - 1; step >= 0; step--) {
        const unsigned t = (unsigned)step;
        if (t >= call.steps) continue;
        // The potential after the step is still in v; before it: that of the step before.
        F over[VEC], own[VEC], x[VEC], gain[VEC], before[VEC];
        block.over(v, over);
        if (t == 0) {
#pragma unroll
            for (int k = 0; k < VEC; k++) {
                before[k] = start[k];
                s[k] = F(0);
            }
        } else {
            if constexpr (SEG > 0) {
#pragma unroll
                for (int k = 0; k < VEC; k++) before[k] = held[step > 0 ? step - 1 : 0][k];
            } else {
                load(before, (const F*)call.v_seq + block.step(t - 1), call.wide, block.at.left);
            }
            block.spikes(before, t - 1, s);
        }
        load(own, call.grad_y + block.step(t), call.wide, call.grad_y ? block.at.left : 0);
        load(x, call.x + block.step(t), call.wide, block.at.left);
        block.row(gain, 5 + t);
        F grad_x[VEC], of_gain[VEC];
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F fired = mul(Fire::slope(call.fires.surrogate, over[k]), add(own[k], grad_s[k]));
            const F g = add(fired, grad_v[k]), held = sub(F(1), mul(block.gate[k], s[k]));
            sums[0][k] = add(sums[0][k], mul(mul(g, before[k]), held));
            sums[1][k] = sub(sums[1][k], g);
            sums[2][k] = sub(sums[2][k], mul(mul(mul(g, block.keep[k]), before[k]), s[k]));
            sums[3][k] = sub(sums[3][k], mul(g, s[k]));
            sums[4][k] = sub(sums[4][k], fired);
            of_gain[k] = mul(g, x[k]);
            grad_x[k] = mul(g, gain[k]);
            grad_s[k] = -mul(g, add(mul(mul(block.keep[k], before[k]), block.gate[k]), block.drop[k]));
            grad_v[k] = mul(mul(g, block.keep[k]), held);
            v[k] = before[k];
        }
        store(of_gain, call.grad_constants + block.step(5 + t), call.wide, block.at.left);
        if (call.grad_x) store(grad_x, call.grad_x + block.step(t), call.wide, block.at.left);
    }
#pragma unroll
    for (int i = 0; i < 5; i++) store(sums[i], call.grad_constants + block.step(i), call.wide, block.at.left);
    if (call.grad_v0) store(grad_v, call.grad_v0 + block.at.first, call.wide, block.at.left);
}

}  // namespace snn
