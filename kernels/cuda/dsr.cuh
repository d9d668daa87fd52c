// Differentiation on spike representation, forward and backward. In: inputs, or gradients of spikes; out: spikes and the regime of each
// neuron's rate, or the gradient that is the same at every step.
//
// A thread has VEC neighbouring neurons. Per neuron the bits are those of `snn_kernels::Dsr`.
//
// Bytes per neuron and step, f32, T steps; SpikingJelly's are operations of torch, step by step:
//
//               | reads          | writes                   | bytes
//      forward  | x              | y, 1 / T of regime       | 8 + 1 / T
//      backward | grad_y, 1 / T  | 8 / T: grad_x, saturated | 4 + 9 / T
#pragma once

#include "memory.cuh"

namespace snn {

enum Regime : unsigned char { SILENT, LINEAR, SATURATED };

template <typename F, typename E> struct Dsr {
    const E* x;                     // [steps, neurons]
    const F* weights;               // [steps]: how much each counts in a rate; null: 1
    E* y;                           // [steps, neurons]
    unsigned char* regime;          // [neurons]
    const E* grad_y;                // [steps, neurons]
    E* grad_x;                      // [neurons]
    F* saturated;                   // [neurons]: of dL/d(threshold)
    double v_threshold, alpha;
    double keep, take;              // with a leak: v = keep v + take x
    double delta_t, tau;
    double total;                   // of the weights
    double slope;                   // of the line from input rate to output rate, for one step
    unsigned steps, neurons;
    unsigned leaks;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?

    SNN_DEVICE F weight(unsigned t) const { return weights ? weights[t] : F(1); }

    SNN_DEVICE Regime of(F rate) const {
        const F height = F(v_threshold), most = leaks ? mul(div(height, F(delta_t)), F(tau)) : height;
        const bool linear = leaks ? rate > F(0) && rate < most : rate >= F(0) && rate <= most;
        return linear ? LINEAR : rate > most ? SATURATED : SILENT;
    }
};

template <typename F, typename E, int VEC> SNN_DEVICE void dsr(const Dsr<F, E>& call) {
    const Lanes<VEC> at(call.neurons);
    const F height = F(call.v_threshold), fires = mul(F(call.alpha), height), keep = F(call.keep), take = F(call.take);
    const F delta_t = F(call.delta_t);
    F v[VEC], sum[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) v[k] = sum[k] = F(0);
#pragma unroll 4
    for (unsigned t = 0; t < call.steps; t++) {
        const size_t row = (size_t)t * call.neurons + at.first;
        const F w = call.weight(t);
        F x[VEC], y[VEC];
        load(x, call.x + row, call.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            sum[k] = add(sum[k], mul(w, x[k]));
            v[k] = call.leaks ? add(mul(keep, v[k]), mul(take, x[k])) : add(v[k], x[k]);
            const F s = v[k] >= fires ? height : F(0);
            v[k] = sub(v[k], s);
            y[k] = call.leaks ? div(s, delta_t) : s;
        }
        store(y, call.y + row, call.wide, at.left);
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (k < at.left) call.regime[at.first + k] = call.of(div(sum[k], F(call.total)));
    }
}

template <typename F, typename E, int VEC> SNN_DEVICE void dsr_backward(const Dsr<F, E>& call) {
    const Lanes<VEC> at(call.neurons);
    const F total = F(call.total), steps = F(call.steps), slope = F(call.slope);
    F rate[VEC], grad_x[VEC], saturated[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) rate[k] = F(0);
#pragma unroll 4
    for (unsigned t = 0; t < call.steps; t++) {
        const F w = call.weight(t);
        F grad[VEC];
        load(grad, call.grad_y + (size_t)t * call.neurons + at.first, call.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) rate[k] = add(rate[k], mul(w, grad[k]));
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        const F coded = mul(div(rate[k], total), steps);
        const unsigned char regime = k < at.left ? call.regime[at.first + k] : (unsigned char)SILENT;
        grad_x[k] = regime == LINEAR ? mul(coded, slope) : F(0);
        saturated[k] = regime == SATURATED ? coded : F(0);
    }
    store(grad_x, call.grad_x + at.first, call.wide, at.left);
    store(saturated, call.saturated + at.first, call.wide, at.left);
}

}  // namespace snn
