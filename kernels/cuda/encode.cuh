// Numbers as spikes at random. In: numbers from 0 to 1, and a place in Philox's streams; out: a step of spikes, as often as the numbers say.
//
// 8 bytes of f32 per element; the bits of `snn_kernels::poisson`. SpikingJelly draws with torch's generator, and compares.
#pragma once

#include "memory.cuh"
#include "philox.cuh"

namespace snn {

template <typename E> struct Poisson {
    const E* x;                     // [elements]
    E* y;                           // [elements]
    unsigned long long elements;
    Draw draw;
    unsigned wide;                  // do both lie so that VEC elements are one access?
    unsigned padding;
};

template <typename F, typename E, int VEC> SNN_DEVICE void poisson(const Poisson<E>& call) {
    const Quad quad(call.draw, call.elements);
    if (quad.left == 0) return;
#pragma unroll
    for (int i = 0; i < 4; i += VEC) {
        const int here = quad.left - i < VEC ? quad.left - i : VEC;
        const bool wide = call.wide && here == VEC;
        F x[VEC];
        load(x, call.x + quad.element + i, wide, here);
        // In (0, 1].
#pragma unroll
        for (int k = 0; k < VEC; k++) x[k] = mul(add(double(quad.words[i + k]), 1.0), 1.0 / 4294967296.0) <= double(x[k]) ? F(1) : F(0);
        store(x, call.y + quad.element + i, wide, here);
    }
}

}  // namespace snn
