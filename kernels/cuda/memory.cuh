// Neighbouring elements of a thread between memory and registers. In: rows of numbers; out: lanes, of the kernels' own element type.
//
// Arithmetic is in `float` or `double`. Memory may hold 16-bit elements instead of `float`: they are widened exactly, and narrowed to the
// nearest, the even one of two, by integer arithmetic that is the same everywhere.
#pragma once

#include "real.cuh"

namespace snn {

struct half { unsigned short bits; };
struct bfloat { unsigned short bits; };

SNN_DEVICE float widen(float x) { return x; }
SNN_DEVICE double widen(double x) { return x; }
SNN_DEVICE float widen(bfloat x) { return __int_as_float((int)((unsigned)x.bits << 16)); }
SNN_DEVICE float widen(half x) {
    const unsigned sign = (x.bits & 0x8000u) << 16, rest = (x.bits & 0x7fffu) << 13;
    // Exponents 2^112 apart; infinity and NaN have the largest exponent of either type.
    const float scaled = mul(__int_as_float((int)rest), 5.192296858534828e33f);
    const unsigned bits = rest >= 0x0f800000u ? rest | 0x7f800000u : (unsigned)__float_as_int(scaled);
    return __int_as_float((int)(sign | bits));
}

SNN_DEVICE void narrow(float x, float& to) { to = x; }
SNN_DEVICE void narrow(double x, double& to) { to = x; }
SNN_DEVICE void narrow(float x, bfloat& to) {
    const unsigned bits = (unsigned)__float_as_int(x);
    const unsigned nearest = bits + 0x7fffu + (bits >> 16 & 1u);
    to.bits = (unsigned short)((x != x ? bits | 0x00400000u : nearest) >> 16);
}
SNN_DEVICE void narrow(float x, half& to) {
    const unsigned sign = (unsigned)__float_as_int(x) >> 16 & 0x8000u, bits = (unsigned)__float_as_int(x) & 0x7fffffffu;
    // Below 2^-14 the last bit of a half is worth 2^-24, which is that of a float next to 1/2.
    const unsigned small = (unsigned)__float_as_int(add(__int_as_float((int)bits), 0.5f)) - 0x3f000000u;
    const unsigned normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    const unsigned large = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    to.bits = (unsigned short)(sign | (bits < 0x38800000u ? small : bits < 0x477ff000u ? normal : large));
}

// The VEC neighbouring elements of a thread: of one row, or of a row of some, each of which has threads of its own.
template <int VEC> struct Lanes {
    unsigned row, first;
    int left;                       // how many of the VEC there are; 0 behind the last row

    SNN_DEVICE explicit Lanes(unsigned len) : row(0), first((blockIdx.x * blockDim.x + threadIdx.x) * VEC) { count(first < len, len); }
    SNN_DEVICE Lanes(unsigned rows, unsigned len) {
        const unsigned blocks = (len + VEC - 1) / VEC, i = blockIdx.x * blockDim.x + threadIdx.x;
        row = i / blocks;
        first = i % blocks * VEC;
        count(row < rows, len);
    }

private:
    SNN_DEVICE void count(bool there, unsigned len) { left = !there ? 0 : len - first < VEC ? (int)(len - first) : VEC; }
};

// VEC elements that lie so that one access takes them all.
template <typename E, int VEC> struct alignas(sizeof(E) * VEC) Pack { E of[VEC]; };

// The first `left` of VEC elements from `from` on, the others 0; all of them by one access if `wide`.
template <typename F, typename E, int VEC> SNN_DEVICE void load(F (&to)[VEC], const E* from, bool wide, int left) {
    if (wide && left > 0) {
        const Pack<E, VEC> pack = *reinterpret_cast<const Pack<E, VEC>*>(from);
#pragma unroll
        for (int k = 0; k < VEC; k++) to[k] = widen(pack.of[k]);
        return;
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) to[k] = k < left ? F(widen(from[k])) : F(0);
}

// The way back.
template <typename F, typename E, int VEC> SNN_DEVICE void store(const F (&values)[VEC], E* to, bool wide, int left) {
    if (wide && left > 0) {
        Pack<E, VEC> pack;
#pragma unroll
        for (int k = 0; k < VEC; k++) narrow(values[k], pack.of[k]);
        *reinterpret_cast<Pack<E, VEC>*>(to) = pack;
        return;
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (k < left) narrow(values[k], to[k]);
    }
}

}  // namespace snn
