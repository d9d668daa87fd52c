// Bits of a warp: spikes of 32 neighbours in a word. In: numbers or words, one or a few of each thread; out: words.
//
// All threads of a warp take part.
#pragma once

#include "memory.cuh"

namespace snn {

// The spikes of a warp's threads as words of 32 elements; the threads of a word are neighbours, VEC elements each.
template <typename F, int VEC> SNN_DEVICE void pack(const F (&y)[VEC], unsigned* words, unsigned long long element, int left) {
    const unsigned place = (unsigned)(element % 32);
    unsigned word = 0;
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (k < left && y[k] != F(0)) word |= 1u << (place + k);
    }
#pragma unroll
    for (int apart = 1; apart < 32 / VEC; apart *= 2) word |= __shfl_xor_sync(0xffffffffu, word, apart);
    if (place == 0 && left > 0) words[element / 32] = word;
}

// Lane i has row i of 32 x 32 bits; gives column i.
SNN_DEVICE unsigned transpose(unsigned word) {
    const unsigned lane = threadIdx.x % 32;
    unsigned low = 0x0000ffffu;     // columns whose number has no `apart` in it
#pragma unroll
    for (unsigned apart = 16; apart > 0; apart /= 2) {
        const unsigned other = __shfl_xor_sync(0xffffffffu, word, (int)apart);
        word = lane & apart ? (word & ~low) | (other & ~low) >> apart : (word & low) | (other & low) << apart;
        low ^= low << apart / 2;
    }
    return word;
}

}  // namespace snn
