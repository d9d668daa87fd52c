// Sums over the neurons of each channel, in `double`. In: rows of numbers; out: one number per row and channel, always of the same bits.
//
// A block sums a part of a channel, a second launch the parts: 4 bytes read per neuron (not per step), nothing beside what the backward
// pass moves. `snn_kernels` adds in another order; the results differ by less than the last bit of a `float`.
#pragma once

#include "memory.cuh"

namespace snn {

constexpr int SUM_THREADS = 256;

// What the thread `apart` away in the warp has. All threads of the warp take part.
SNN_DEVICE float other(float x, int apart) { return __int_as_float((int)__shfl_xor_sync(0xffffffffu, (unsigned)__float_as_int(x), apart)); }
SNN_DEVICE double other(double x, int apart) {
    const unsigned long long bits = (unsigned long long)__double_as_longlong(x);
    const unsigned low = __shfl_xor_sync(0xffffffffu, (unsigned)bits, apart), high = __shfl_xor_sync(0xffffffffu, (unsigned)(bits >> 32), apart);
    return __longlong_as_double((long long)((unsigned long long)high << 32 | low));
}

// The sum of what the threads of a block give whose numbers are the same modulo GROUP, for each of them. All threads take part.
template <int GROUP> SNN_DEVICE double block_sum(double value, double* shared) {
    shared[threadIdx.x] = value;
    for (unsigned half = SUM_THREADS / 2; half >= GROUP; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] = add(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    __syncthreads();
    const double sum = shared[threadIdx.x % GROUP];
    // The array may be used again.
    __syncthreads();
    return sum;
}

template <typename F> struct Sums {
    const F* rows;                  // [rows, samples, channels, inner]
    double* sums;                   // [rows, channels, parts]
    unsigned samples, channels, inner;
};

// The grid is (channels, parts, rows), the block SUM_THREADS.
template <typename F> SNN_DEVICE void sum(const Sums<F>& call) {
    SNN_SHARED(double, shared, SUM_THREADS);
    const unsigned parts = gridDim.y, part = blockIdx.y, channel = blockIdx.x, row = blockIdx.z;
    const size_t values = (size_t)call.samples * call.inner, sample = (size_t)call.channels * call.inner;
    const F* of = call.rows + (size_t)row * call.samples * sample + (size_t)channel * call.inner;
    double total = 0.0;
    for (size_t i = (size_t)part * SUM_THREADS + threadIdx.x; i < values; i += (size_t)parts * SUM_THREADS) {
        total = add(total, double(of[i / call.inner * sample + i % call.inner]));
    }
    total = block_sum<1>(total, shared);
    if (threadIdx.x == 0) call.sums[((size_t)row * call.channels + channel) * parts + part] = total;
}

}  // namespace snn
