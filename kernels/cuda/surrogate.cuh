// A surrogate function that stands alone, forward and backward. In: how far numbers are over their thresholds; out: spikes, or the slopes there.
//
// A thread has VEC neighbours. 8 bytes of f32 per element each way; the bits of `snn_kernels::Surrogate`.
#pragma once

#include "firing.cuh"

namespace snn {

template <typename F, typename E> struct Alone {
    const E* x;                     // [elements]
    const E* grad;                  // [elements]
    E* y;                           // [elements]: spikes, or slope times gradient
    Fires<F> fires;
    unsigned elements;
    unsigned wide;                  // do all lie so that VEC elements are one access?
};

template <typename Fire, typename F, typename E, int VEC> SNN_DEVICE void alone(const Alone<F, E>& call) {
    const Lanes<VEC> at(call.elements);
    const bool wide = call.wide && at.left == VEC;
    F x[VEC], y[VEC];
    load(x, call.x + at.first, wide, at.left);
    call.fires.template spikes<Fire>(at.first, 0, x, y);
    store(y, call.y + at.first, wide, at.left);
}

template <typename Fire, typename F, typename E, int VEC> SNN_DEVICE void alone_backward(const Alone<F, E>& call) {
    const Lanes<VEC> at(call.elements);
    const bool wide = call.wide && at.left == VEC;
    F x[VEC], grad[VEC];
    load(x, call.x + at.first, wide, at.left);
    load(grad, call.grad + at.first, wide, at.left);
#pragma unroll
    for (int k = 0; k < VEC; k++) grad[k] = mul(grad[k], Fire::slope(call.fires.surrogate, x[k]));
    store(grad, call.y + at.first, wide, at.left);
}

}  // namespace snn
