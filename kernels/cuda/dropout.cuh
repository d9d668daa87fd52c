// Masks of dropout. In: a place in Philox's streams; out: 0, or 1 / (1 - p) for what is kept, as the elements of the layer are.
//
// 4 bytes of f32 written per element, once for all steps between two resets: the bits of `snn_kernels::dropout_mask`. What multiplies by it is
// libtorch. SpikingJelly draws with torch's generator.
#pragma once

#include "memory.cuh"
#include "philox.cuh"

namespace snn {

template <typename F, typename E> struct DropoutMask {
    E* mask;                        // [elements]
    unsigned long long elements;
    unsigned long long kept_words;  // a word below this is kept
    double keep;
    Draw draw;                      // `series` are the upper bits of the place
    unsigned wide;                  // does the mask lie so that 4 elements are one access?
    unsigned padding;
};

// A thread has the 4 elements of a block of Philox.
template <typename F, typename E, int VEC> SNN_DEVICE void dropout_mask(const DropoutMask<F, E>& call) {
    const unsigned long long block = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x, element = block * 4;
    if (element >= call.elements) return;
    const int left = call.elements - element < 4 ? (int)(call.elements - element) : 4;
    unsigned words[4];
    philox(call.draw, (unsigned)block, (unsigned)(block >> 32), words);
#pragma unroll
    for (int i = 0; i < 4; i += VEC) {
        F values[VEC];
#pragma unroll
        for (int k = 0; k < VEC; k++) values[k] = words[i + k] < call.kept_words ? F(call.keep) : F(0);
        const int here = left - i < VEC ? left - i : VEC;
        store(values, call.mask + element + i, call.wide && here == VEC, here);
    }
}

}  // namespace snn
