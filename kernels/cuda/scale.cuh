// y += x scale + shift, per channel: what the statistics of a batch normalisation add to the gradient of its input. In: x and y; out: y.
//
// 12 bytes of f32 per element; the bits of `snn_kernels::add_scaled`.
#pragma once

#include "memory.cuh"

namespace snn {

template <typename F, typename E> struct AddScaled {
    const E* x;                     // [elements]
    E* y;                           // [elements]
    const F* scale;                 // [channels]
    const F* shift;                 // [channels]
    unsigned long long elements;
    unsigned channels, inner;
    unsigned wide;                  // do x and y lie so that VEC elements are one access?
};

template <typename F, typename E, int VEC> SNN_DEVICE void add_scaled(const AddScaled<F, E>& call) {
    const unsigned long long element = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
    if (element >= call.elements) return;
    const int left = call.elements - element < VEC ? (int)(call.elements - element) : VEC;
    const bool wide = call.wide && left == VEC;
    F x[VEC], y[VEC];
    load(x, call.x + element, wide, left);
    load(y, (const E*)call.y + element, wide, left);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        const unsigned channel = (unsigned)((element + k) / call.inner % call.channels);
        y[k] = add(y[k], add(mul(x[k], call.scale[channel]), call.shift[channel]));
    }
    store(y, call.y + element, wide, left);
}

}  // namespace snn
