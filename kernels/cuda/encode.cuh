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

// A thread has the 4 elements of a block of Philox.
template <typename F, typename E, int VEC> SNN_DEVICE void poisson(const Poisson<E>& call) {
    const unsigned long long block = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x, element = block * 4;
    if (element >= call.elements) return;
    const int left = call.elements - element < 4 ? (int)(call.elements - element) : 4;
    unsigned words[4];
    philox(call.draw, (unsigned)block, (unsigned)(block >> 32), words);
#pragma unroll
    for (int i = 0; i < 4; i += VEC) {
        const int here = left - i < VEC ? left - i : VEC;
        const bool wide = call.wide && here == VEC;
        F x[VEC];
        load(x, call.x + element + i, wide, here);
        // In (0, 1].
#pragma unroll
        for (int k = 0; k < VEC; k++) x[k] = mul(add(double(words[i + k]), 1.0), 1.0 / 4294967296.0) <= double(x[k]) ? F(1) : F(0);
        store(x, call.y + element + i, wide, here);
    }
}

}  // namespace snn
