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
    Draw draw;
    unsigned wide;                  // does the mask lie so that 4 elements are one access?
    unsigned padding;
};

template <typename F, typename E, int VEC> SNN_DEVICE void dropout_mask(const DropoutMask<F, E>& call) {
    const Quad quad(call.draw, call.elements);
    if (quad.left == 0) return;
#pragma unroll
    for (int i = 0; i < 4; i += VEC) {
        F values[VEC];
#pragma unroll
        for (int k = 0; k < VEC; k++) values[k] = quad.words[i + k] < call.kept_words ? F(call.keep) : F(0);
        const int here = quad.left - i < VEC ? quad.left - i : VEC;
        store(values, call.mask + quad.element + i, call.wide && here == VEC, here);
    }
}

}  // namespace snn
