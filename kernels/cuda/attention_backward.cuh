// The way back through attention gates. In: a sequence, its gates, what the forward kernels found, and gradients; out: gradients of the gates and
// of x. What is between gradients of gates and of their means and maxima is libtorch's.
//
// Per element the bits are those of `snn_kernels::attention_backward` for the same gates, and so are those of the sums over steps,
// `attention_channel_gates`. Other sums end in `double`, in an order that is not the CPU's.
#pragma once

#include "attention.cuh"

namespace snn {

// dL/d(spatial gates).
template <typename F, typename E, int VEC> SNN_DEVICE void attention_pixels(const Attention<F, E>& call) {
    typedef Pack<F, VEC> Values;
    SNN_SHARED(Values, sums, 32 * ATTENTION_SLICES);
    const PixelBlock<F, E, VEC> block(call);
    const size_t pixel = (size_t)block.n * call.pixels + block.p;
    F gate[VEC], sum[VEC], total[VEC];
    load(gate, call.pixel_gates + pixel, call.wide, block.left);
#pragma unroll
    for (int k = 0; k < VEC; k++) sum[k] = total[k] = F(0);
#pragma unroll 2
    for (unsigned tc = block.from; tc < block.to; tc++) {
        F z[VEC], grad[VEC];
        block.gated(tc, z);
        load(grad, call.grad_y + block.at(tc), call.wide, block.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            if (call.relu && !(mul(z[k], gate[k]) > F(0))) grad[k] = F(0);
            sum[k] = add(sum[k], mul(grad[k], z[k]));
        }
    }
    sum_slices(sum, sums, block.slice, total);
    if (block.slice == 0) store(total, call.pixel_grad + pixel, call.wide, block.left);
}

// dL/d(what the spatial stage gets) of pixels x of a row.
template <typename F, typename E, int VEC>
SNN_DEVICE void to_spatial(const PixelRow<F, E, VEC>& at, unsigned p, const F (&x)[VEC], F (&grad)[VEC]) {
    const Attention<F, E>& call = at.call;
    F gate[VEC];
    load(grad, call.grad_y + at.at(p), call.wide, at.left(p));
    at.pixel_gates(p, gate);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (call.relu && !(mul(at.gated(x[k]), gate[k]) > F(0))) grad[k] = F(0);
    }
    if (!call.planes_back) return;
    const size_t plane = (size_t)at.n * 2 * call.pixels + p;
    const F share = F(call.pixel_share);
    const unsigned here = at.t * call.channels + at.c;
    F mean[VEC], max[VEC];
    load(mean, call.planes_back + plane, call.wide, at.left(p));
    load(max, call.planes_back + plane + call.pixels, call.wide, at.left(p));
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        grad[k] = add(mul(grad[k], gate[k]), mul(mean[k], share));
        const bool first = k < at.left(p) && call.pixel_first[(size_t)at.n * call.pixels + p + k] == here;
        grad[k] = first ? add(grad[k], max[k]) : grad[k];
    }
}

// Does `each` to every pixel p of a thread's row: to x, and to that gradient.
template <typename F, typename E, int VEC, typename Each> SNN_DEVICE void each_grad(const PixelRow<F, E, VEC>& at, const Each& each) {
#pragma unroll 2
    for (unsigned p = at.lane * VEC; p < at.pixels; p += 64) {
        F x[VEC], grad[VEC];
        load(x, at.call.x + at.at(p), at.call.wide, at.left(p));
        to_spatial(at, p, x, grad);
        each(p, x, grad);
    }
}

// Of each row: the sum over pixels of x dL/d(what the spatial stage gets).
template <typename F, typename E, int VEC> SNN_DEVICE void attention_along(const Attention<F, E>& call) {
    typedef PixelRow<F, E, VEC> Row;
    const Row at(call);
    F sum[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) sum[k] = F(0);
    each_grad(at, [&](unsigned, const F (&x)[VEC], const F (&grad)[VEC]) {
#pragma unroll
        for (int k = 0; k < VEC; k++) sum[k] = add(sum[k], mul(grad[k], x[k]));
    });
    double total = 0.0;
#pragma unroll
    for (int k = 0; k < VEC; k++) total = add(total, double(sum[k]));
#pragma unroll
    for (int apart = 1; apart < Row::THREADS; apart *= 2) total = add(total, other(total, apart));
    if (at.lane == 0 && at.pixels > 0) call.row_along[at.row] = F(total);
}

// dL/d(channel gates): a thread has one.
template <typename F, typename E> SNN_DEVICE void attention_channel_gates(const Attention<F, E>& call) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= call.samples * call.channels) return;
    const unsigned n = i / call.channels, c = i % call.channels;
    F sum = F(0);
    for (unsigned t = 0; t < call.steps; t++) sum = add(sum, mul(call.row_along[call.row(t, n, c)], call.step_gate(t, n)));
    call.channel_grad[i] = sum;
}

// dL/d(temporal gates): a warp has one, its lanes the channels.
template <typename F, typename E> SNN_DEVICE void attention_step_gates(const Attention<F, E>& call) {
    const unsigned i = (unsigned)(((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = threadIdx.x % 32;
    const bool there = i < call.samples * call.steps;
    const unsigned n = there ? i / call.steps : 0, t = there ? i % call.steps : 0, channels = there ? call.channels : 0;
    F sum = F(0);
    for (unsigned c = lane; c < channels; c += 32) {
        const unsigned row = call.row(t, n, c), channel = n * call.channels + c;
        F grad = mul(call.row_along[row], call.channel_gate(n, c));
        if (call.channel_back) {
            grad = add(grad, mul(mul(call.channel_back[channel], F(call.channel_share)), call.row_sum[row]));
            const F of_max = call.channel_back[call.samples * call.channels + channel];
            if (call.channel_first[channel] == t) grad = add(grad, mul(of_max, call.row_max[row]));
        }
        sum = add(sum, grad);
    }
    double total = double(sum);
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) total = add(total, other(total, apart));
    if (lane == 0 && there) call.step_grad[i] = F(total);
}

// dL/dx.
template <typename F, typename E, int VEC> SNN_DEVICE void attention_inputs(const Attention<F, E>& call) {
    const PixelRow<F, E, VEC> at(call);
    // The same for all pixels: through the means. And for the one with the maximum.
    F to_all = F(0), to_first = F(0);
    if (call.channel_back) {
        const unsigned i = at.n * call.channels + at.c;
        to_all = add(to_all, mul(mul(call.channel_back[i], F(call.channel_share)), at.step));
        const F of_max = mul(call.channel_back[call.samples * call.channels + i], at.step);
        if (call.channel_first[i] == at.t) to_first = add(to_first, of_max);
    }
    if (call.step_back) {
        const unsigned i = at.n * call.steps + at.t;
        to_all = add(to_all, mul(call.step_back[i], F(call.step_share)));
        if (call.step_first[i] == at.c) to_first = add(to_first, call.step_back[call.samples * call.steps + i]);
    }
    const unsigned first = call.row_first ? call.row_first[at.row] : NONE;
    const F scale = mul(at.channel, at.step);
    each_grad(at, [&](unsigned p, const F (&)[VEC], F (&grad)[VEC]) {
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            grad[k] = add(mul(grad[k], scale), to_all);
            if (p + k == first) grad[k] = add(grad[k], to_first);
        }
        store(grad, call.grad_x + at.at(p), call.wide, at.left(p));
    });
}

}  // namespace snn
