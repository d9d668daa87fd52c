// NeuNorm over all its steps, forward and backward. In: spikes, weights and the first trace; out: normalised spikes, traces, gradients.
//
// A thread has VEC neighbouring pixels of one sample: it sums them over all channels, which moves their trace on, and reads them again. Per
// element the bits are those of `snn_kernels::neunorm` and `neunorm_backward`, the gradient of the weights too: parts of 8 samples each, then
// their sums in `double`.
//
// Bytes per element and step, f32, where a step of a thread's pixels is still in the cache when it is read again (weights and traces, 1 / N and
// 1 / C of these, left out), beside SpikingJelly's, which are torch's operations (a sum, two products, an addition and a difference):
//
//               | reads        | writes | bytes | SpikingJelly
//      forward  | x            | y      |     8 | 24: x, x; w u and its sum with x each written and read; y
//      backward | grad_y twice | grad_x |    12 | 24
#pragma once

#include "memory.cuh"

namespace snn {

// Samples whose weight gradients are added up before the sum in `double`.
constexpr unsigned NEUNORM_SAMPLES = 8;

template <typename F, typename E> struct NeuNorm {
    const E* x;                     // [steps, samples, channels, pixels]
    const F* w;                     // [channels, pixels], or [pixels] if shared
    const F* u0;                    // [samples, pixels], or null for 0
    E* y;                           // as x
    F* u;                           // [samples, pixels]
    F* u_seq;                       // [steps, samples, pixels], or null
    double k, gain;
    unsigned steps, samples, channels, pixels;
    unsigned shared;                // do all channels share one row of weights?
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
};

template <typename F, typename E> struct NeuNormBackward {
    const F* w;                     // as above
    const F* u_seq;                 // [steps, samples, pixels]
    const E* grad_y;                // [steps, samples, channels, pixels]
    const F* grad_u;                // [samples, pixels], or null for 0
    E* grad_x;                      // as grad_y
    F* grad_u0;                     // [samples, pixels]
    F* parts;                       // [parts, weights]: of dL/dw
    F* grad_w;                      // [weights]
    double k, gain;
    unsigned steps, samples, channels, pixels;
    unsigned shared;
    unsigned wide;
};

template <typename F, typename E, int VEC, bool WIDE> SNN_DEVICE void neunorm_of(const NeuNorm<F, E>& call) {
    const Lanes<VEC> at(call.samples, call.pixels);
    if (at.left == 0) return;
    const F k = F(call.k), gain = F(call.gain);
    const size_t pixels = call.pixels, trace = at.row * pixels + at.first;
    F u[VEC];
    load(u, call.u0 + trace, WIDE, call.u0 ? at.left : 0);
    for (unsigned t = 0; t < call.steps; t++) {
        const size_t step = ((size_t)t * call.samples + at.row) * call.channels * pixels + at.first;
        F sum[VEC];
#pragma unroll
        for (int i = 0; i < VEC; i++) sum[i] = F(0);
#pragma unroll (WIDE ? 4 : 1)
        for (unsigned c = 0; c < call.channels; c++) {
            F x[VEC];
            load(x, call.x + step + c * pixels, WIDE, at.left);
#pragma unroll
            for (int i = 0; i < VEC; i++) sum[i] = add(sum[i], x[i]);
        }
#pragma unroll
        for (int i = 0; i < VEC; i++) u[i] = add(mul(k, u[i]), mul(gain, sum[i]));
#pragma unroll (WIDE ? 4 : 1)
        for (unsigned c = 0; c < call.channels; c++) {
            F x[VEC], w[VEC], y[VEC];
            load(x, call.x + step + c * pixels, WIDE, at.left);
            load(w, call.w + (call.shared ? 0 : c * pixels) + at.first, WIDE, at.left);
#pragma unroll
            for (int i = 0; i < VEC; i++) y[i] = sub(x[i], mul(w[i], u[i]));
            store(y, call.y + step + c * pixels, WIDE, at.left);
        }
        if (call.u_seq) store(u, call.u_seq + (size_t)t * call.samples * pixels + trace, WIDE, at.left);
    }
    store(u, call.u + trace, WIDE, at.left);
}

template <typename F, typename E, int VEC> SNN_DEVICE void neunorm(const NeuNorm<F, E>& call) {
    if (call.wide) neunorm_of<F, E, VEC, true>(call);
    else neunorm_of<F, E, VEC, false>(call);
}

template <typename F, typename E, int VEC, bool WIDE> SNN_DEVICE void neunorm_backward_of(const NeuNormBackward<F, E>& call) {
    const Lanes<VEC> at(call.samples, call.pixels);
    if (at.left == 0) return;
    const F k = F(call.k), gain = F(call.gain);
    const size_t pixels = call.pixels, trace = at.row * pixels + at.first;
    F carried[VEC];
    load(carried, call.grad_u + trace, WIDE, call.grad_u ? at.left : 0);
    for (unsigned t = call.steps; t-- > 0;) {
        const size_t step = ((size_t)t * call.samples + at.row) * call.channels * pixels + at.first;
#pragma unroll (WIDE ? 4 : 1)
        for (unsigned c = 0; c < call.channels; c++) {
            F g[VEC], w[VEC];
            load(g, call.grad_y + step + c * pixels, WIDE, at.left);
            load(w, call.w + (call.shared ? 0 : c * pixels) + at.first, WIDE, at.left);
#pragma unroll
            for (int i = 0; i < VEC; i++) carried[i] = sub(carried[i], mul(w[i], g[i]));
        }
        if (call.grad_x) {
#pragma unroll (WIDE ? 4 : 1)
            for (unsigned c = 0; c < call.channels; c++) {
                F g[VEC];
                load(g, call.grad_y + step + c * pixels, WIDE, at.left);
#pragma unroll
                for (int i = 0; i < VEC; i++) g[i] = add(g[i], mul(gain, carried[i]));
                store(g, call.grad_x + step + c * pixels, WIDE, at.left);
            }
        }
#pragma unroll
        for (int i = 0; i < VEC; i++) carried[i] = mul(k, carried[i]);
    }
    if (call.grad_u0) store(carried, call.grad_u0 + trace, WIDE, at.left);
}

template <typename F, typename E, int VEC> SNN_DEVICE void neunorm_backward(const NeuNormBackward<F, E>& call) {
    if (call.wide) neunorm_backward_of<F, E, VEC, true>(call);
    else neunorm_backward_of<F, E, VEC, false>(call);
}

// A part of dL/dw, of NEUNORM_SAMPLES samples: blockIdx.y says which. A thread has VEC pixels of a row of weights.
template <typename F, typename E, int VEC> SNN_DEVICE void neunorm_weight(const NeuNormBackward<F, E>& call) {
    const unsigned rows = call.shared ? 1 : call.channels;
    const Lanes<VEC> at(rows, call.pixels);
    if (at.left == 0) return;
    const size_t pixels = call.pixels;
    const unsigned first = blockIdx.y * NEUNORM_SAMPLES;
    const unsigned end = first + NEUNORM_SAMPLES < call.samples ? first + NEUNORM_SAMPLES : call.samples;
    F sum[VEC];
#pragma unroll
    for (int i = 0; i < VEC; i++) sum[i] = F(0);
    for (unsigned n = first; n < end; n++) {
        for (unsigned t = call.steps; t-- > 0;) {
            const size_t sample = (size_t)t * call.samples + n;
            F u[VEC];
            load(u, call.u_seq + sample * pixels + at.first, call.wide, at.left);
            for (unsigned c = at.row; c < call.channels; c += rows) {
                F g[VEC];
                load(g, call.grad_y + (sample * call.channels + c) * pixels + at.first, call.wide, at.left);
#pragma unroll
                for (int i = 0; i < VEC; i++) sum[i] = sub(sum[i], mul(g[i], u[i]));
            }
        }
    }
    store(sum, call.parts + ((size_t)blockIdx.y * rows + at.row) * pixels + at.first, call.wide, at.left);
}

// dL/dw of its parts.
template <typename F, typename E> SNN_DEVICE void neunorm_fold(const NeuNormBackward<F, E>& call) {
    const size_t weights = (size_t)(call.shared ? 1 : call.channels) * call.pixels, i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= weights) return;
    double sum = 0.0;
    for (unsigned part = 0; part * NEUNORM_SAMPLES < call.samples; part++) sum = add(sum, double(call.parts[part * weights + i]));
    call.grad_w[i] = F(sum);
}

}  // namespace snn
