// Sums over the neurons of each channel, in `double`. In: rows of numbers; out: one number per row and channel, always of the same bits.
//
// A block sums a part of a channel, a second launch the parts: 4 bytes read per neuron (not per step), nothing beside what the backward
// pass moves. `snn_kernels` adds in another order; the results differ by less than the last bit of a `float`.
#pragma once

#include "memory.cuh"

namespace snn {

constexpr int SUM_THREADS = 256;

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
    shared[threadIdx.x] = total;
    for (unsigned half = SUM_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] = add(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    if (threadIdx.x == 0) call.sums[((size_t)row * call.channels + channel) * parts + part] = shared[0];
}

}  // namespace snn
