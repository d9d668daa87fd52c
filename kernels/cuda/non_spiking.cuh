// Neurons that do not fire, forward and backward. In: inputs, or the gradient of what was decoded; out: potentials or one number of them for
// each neuron, or dL/dx.
//
// A thread has VEC neighbouring neurons. Per neuron the bits are those of `snn_kernels::NonSpiking`.
//
// Bytes per neuron and step, f32, T steps; SpikingJelly's are operations of torch, step by step:
//
//               | reads  | writes | bytes
//      forward  | x      | y      | 8, or 4 + 4 / T if one number is decoded
//      backward | grad_y | grad_x | 8, or 4 + 8 / T (the gradient, the step chosen)
#pragma once

#include "memory.cuh"

namespace snn {

enum Decode { SEQUENCE, LAST, MEAN, MAXIMUM, MAX_ABS };

template <typename F, typename E> struct NonSpiking {
    const E* x;                     // [steps, neurons]
    E* y;                           // [steps, neurons] for SEQUENCE, else [neurons]
    unsigned* chosen;               // [neurons]: the step of y where one is chosen; or null
    const E* grad_y;                // as y
    E* grad_x;                      // [steps, neurons]
    double tau;                     // 0: no leak
    unsigned steps, neurons;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
    unsigned padding;
};

// The best potential so far and its step. A NaN is better than any number, and the first one stays.
template <typename F, bool UP> struct Best {
    F v;
    unsigned step;
    SNN_DEVICE void meet(unsigned t, F x) {
        const bool better = UP ? x > v : x < v;
        if (t == 0 || (v == v && (better || x != x))) {
            v = x;
            step = t;
        }
    }
};

template <typename F, typename E, int VEC, int DECODE> SNN_DEVICE void non_spiking(const NonSpiking<F, E>& call) {
    const Lanes<VEC> at(call.neurons);
    const F tau = F(call.tau);
    F v[VEC], sum[VEC];
    Best<F, true> most[VEC];
    Best<F, false> least[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        v[k] = sum[k] = most[k].v = least[k].v = F(0);
        most[k].step = least[k].step = 0;
    }
#pragma unroll 4
    for (unsigned t = 0; t < call.steps; t++) {
        const size_t row = (size_t)t * call.neurons + at.first;
        F x[VEC];
        load(x, call.x + row, call.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            v[k] = call.tau != 0.0 ? add(v[k], div(sub(x[k], v[k]), tau)) : add(v[k], x[k]);
            if (DECODE == MEAN) sum[k] = add(sum[k], v[k]);
            if (DECODE == MAXIMUM || DECODE == MAX_ABS) most[k].meet(t, v[k]);
            if (DECODE == MAX_ABS) least[k].meet(t, v[k]);
        }
        if (DECODE == SEQUENCE) store(v, call.y + row, call.wide, at.left);
    }
    if (DECODE == SEQUENCE) return;
    F y[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        const bool up = DECODE == MAXIMUM || abs(most[k].v) > abs(least[k].v);
        y[k] = DECODE == LAST ? v[k] : DECODE == MEAN ? div(sum[k], F(call.steps)) : up ? most[k].v : least[k].v;
        if ((DECODE == MAXIMUM || DECODE == MAX_ABS) && call.chosen && k < at.left) {
            call.chosen[at.first + k] = up ? most[k].step : least[k].step;
        }
    }
    store(y, call.y + at.first, call.wide, at.left);
}

template <typename F, typename E, int VEC, int DECODE> SNN_DEVICE void non_spiking_backward(const NonSpiking<F, E>& call) {
    const Lanes<VEC> at(call.neurons);
    const F tau = F(call.tau), share = div(F(1), F(call.steps));
    F whole[VEC], grad_v[VEC];
    unsigned chosen[VEC];
    load(whole, call.grad_y + at.first, call.wide, DECODE == SEQUENCE ? 0 : at.left);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        grad_v[k] = F(0);
        chosen[k] = (DECODE == MAXIMUM || DECODE == MAX_ABS) && k < at.left ? call.chosen[at.first + k] : 0;
    }
#pragma unroll 4
    for (unsigned t = call.steps; t-- > 0;) {
        const size_t row = (size_t)t * call.neurons + at.first;
        F own[VEC], grad_x[VEC];
        if (DECODE == SEQUENCE) load(own, call.grad_y + row, call.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            if (DECODE == LAST) own[k] = t + 1 == call.steps ? whole[k] : F(0);
            if (DECODE == MEAN) own[k] = mul(whole[k], share);
            if (DECODE == MAXIMUM || DECODE == MAX_ABS) own[k] = chosen[k] == t ? whole[k] : F(0);
            const F grad_h = add(own[k], grad_v[k]);
            grad_x[k] = call.tau != 0.0 ? div(grad_h, tau) : grad_h;
            grad_v[k] = call.tau != 0.0 ? sub(grad_h, grad_x[k]) : grad_h;
        }
        store(grad_x, call.grad_x + row, call.wide, at.left);
    }
}

}  // namespace snn
