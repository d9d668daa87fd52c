// A step of Adam. In: weights, gradients and both moments; out: weights and moments moved on.
//
// A thread has VEC neighbouring weights. The bits are those of `snn_kernels::adam`. 28 bytes of f32 per weight: weight, gradient and moments are
// read, weight and moments written, as by torch's fused Adam.
#pragma once

#include "memory.cuh"

namespace snn {

template <typename F> struct Adam {
    F* weights;                     // [elements] each
    const F* grads;
    F* first;
    F* second;
    double fresh, beta, fresh_square, eps, root, size, decay, keep;
    unsigned long long elements;
    unsigned wide;                  // do all lie so that VEC elements are one access?
    unsigned padding;
};

template <typename F, int VEC> SNN_DEVICE void adam(const Adam<F>& call) {
    const unsigned long long at = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
    if (at >= call.elements) return;
    const int left = call.elements - at < VEC ? (int)(call.elements - at) : VEC;
    const bool wide = call.wide && left == VEC;
    const F fresh = F(call.fresh), beta = F(call.beta), fresh_square = F(call.fresh_square), eps = F(call.eps), root = F(call.root);
    const F size = F(call.size), decay = F(call.decay), keep = F(call.keep);
    F w[VEC], g[VEC], m[VEC], v[VEC];
    load(w, (const F*)call.weights + at, wide, left);
    load(g, call.grads + at, wide, left);
    load(m, (const F*)call.first + at, wide, left);
    load(v, (const F*)call.second + at, wide, left);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (decay != F(0)) g[k] = add(g[k], mul(decay, w[k]));
        m[k] = add(m[k], mul(fresh, sub(g[k], m[k])));
        v[k] = add(mul(v[k], beta), mul(mul(fresh_square, g[k]), g[k]));
        w[k] = add(mul(w[k], keep), div(mul(size, m[k]), add(div(sqrt(v[k]), root), eps)));
    }
    store(w, call.weights + at, wide, left);
    store(m, call.first + at, wide, left);
    store(v, call.second + at, wide, left);
}

}  // namespace snn
