// Philox4x32-10 on the device: a counter and a key in, the bits of `kernels/src/philox.rs` out.
#pragma once

#include "real.cuh"

namespace snn {

// Where the random numbers of a call are: `snn_kernels::Draw`.
struct Draw { unsigned seed_low, seed_high, stream, draw; };

// The four words of group `group` of elements in series `series` of a draw.
SNN_DEVICE void philox(const Draw& at, unsigned group, unsigned series, unsigned (&words)[4]) {
    unsigned c0 = group, c1 = series, c2 = at.draw, c3 = at.stream, k0 = at.seed_low, k1 = at.seed_high;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const unsigned long long a = 0xD2511F53ull * c0, b = 0xCD9E8D57ull * c2;
        c0 = (unsigned)(b >> 32) ^ c1 ^ k0;
        c2 = (unsigned)(a >> 32) ^ c3 ^ k1;
        c1 = (unsigned)b;
        c3 = (unsigned)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

// The 4 elements of a row that a thread has, those of a block of Philox, and its words.
struct Quad {
    unsigned long long element;     // the first
    int left;                       // how many of the 4 there are; 0 behind the row
    unsigned words[4];

    SNN_DEVICE Quad(const Draw& at, unsigned long long elements) {
        const unsigned long long block = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
        element = block * 4;
        left = element >= elements ? 0 : elements - element < 4 ? (int)(elements - element) : 4;
        philox(at, (unsigned)block, (unsigned)(block >> 32), words);
    }
};

// In [0, 1), in steps of 2^-24, which both element types have.
template <typename F> SNN_DEVICE F uniform(unsigned word) { return mul(F(word >> 8), F(1.0 / 16777216.0)); }

// Numbers of VEC neighbouring elements, the first of which is a multiple of VEC; VEC divides 4.
template <typename F, int VEC> SNN_DEVICE void uniforms(const Draw& at, unsigned element, unsigned series, F (&out)[VEC]) {
    unsigned words[4];
    philox(at, element / 4, series, words);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        const unsigned place = (element + k) % 4;
        out[k] = uniform<F>(place < 2 ? (place == 0 ? words[0] : words[1]) : (place == 2 ? words[2] : words[3]));
    }
}

}  // namespace snn
