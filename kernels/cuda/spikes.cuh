// Products with spikes that are rare: sums of the rows that spike. In: a matrix of mostly zeros, and a dense one; out: bits, and the product.
//
// `pack` makes two bits of each element: is it 1, is it another number than 0 and 1. `product` walks the bits of a row and adds the rows of the
// dense matrix that they stand for, in their order: the bits of `snn_kernels::SpikeMatrix` where all are 0 or 1. Another number is multiplied,
// so that the result is right whatever arrives. The gradient of a weight is a product with the transposed bits.
//
// A block of `product` has PRODUCT_ROWS rows and 32 VEC columns, and keeps 32 rows of the dense matrix in shared memory. With a share p of ones,
// [R, K] spikes and [K, N]:
//
//      pack      reads 4 R K bytes of f32, writes R K / 4
//      product   reads R K N / 16 (from L2, mostly) and R K N / 1024 of bits, 4 p R K N of shared memory; writes 4 R N
//
// and p R K N additions, where a dense product has 2 R K N operations. SpikingJelly has no such kernel.
#pragma once

#include "bits.cuh"

namespace snn {

constexpr int PACK_THREADS = 256, PRODUCT_WARPS = 8, PRODUCT_ROWS_OF_WARP = 8, PRODUCT_ROWS = PRODUCT_WARPS * PRODUCT_ROWS_OF_WARP;

template <typename F, typename E> struct PackSpikes {
    const E* x;                     // [rows, columns]
    unsigned* ones;                 // [rows, words], words = (columns + 31) / 32
    unsigned* others;               // [rows, words]
    F* counts;                      // [2, blocks]: how many ones and others there are
    unsigned rows, columns;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
    unsigned padding;
};

template <typename F, typename E, int VEC> SNN_DEVICE void pack_spikes(const PackSpikes<F, E>& call) {
    SNN_SHARED(unsigned, shared, 2 * PACK_THREADS / 32);
    const unsigned words = (call.columns + 31) / 32;
    const unsigned long long element = ((unsigned long long)blockIdx.x * PACK_THREADS + threadIdx.x) * VEC;  // of rows of whole words
    const unsigned long long row = element / (32ull * words);
    const unsigned column = (unsigned)(element % (32ull * words));
    const int left = row >= call.rows || column >= call.columns ? 0 : call.columns - column < VEC ? (int)(call.columns - column) : VEC;
    F x[VEC], one[VEC], other[VEC];
    load(x, call.x + row * call.columns + column, call.wide, left);
    unsigned count[2] = {0, 0};
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        one[k] = x[k] == F(1) ? F(1) : F(0);
        other[k] = x[k] != F(1) && x[k] != F(0) ? F(1) : F(0);
        count[0] += x[k] == F(1);
        count[1] += x[k] != F(1) && x[k] != F(0);
    }
    // A word whose first column is there has to be written: its thread has something left.
    pack(one, call.ones, element, left);
    pack(other, call.others, element, left);
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int apart = 1; apart < 32; apart *= 2) count[i] += __shfl_xor_sync(0xffffffffu, count[i], apart);
        if (threadIdx.x % 32 == 0) shared[i * (PACK_THREADS / 32) + threadIdx.x / 32] = count[i];
    }
    __syncthreads();
    if (threadIdx.x < 2) {
        unsigned sum = 0;
        for (int i = 0; i < PACK_THREADS / 32; i++) sum += shared[threadIdx.x * (PACK_THREADS / 32) + i];
        call.counts[threadIdx.x * gridDim.x + blockIdx.x] = F(sum);
    }
}

struct TransposeBits {
    const unsigned* from;           // [rows, (columns + 31) / 32]
    unsigned* to;                   // [columns, (rows + 31) / 32]
    unsigned rows, columns;
};

// A warp has 32 rows, and blockIdx.y says which 32 columns.
SNN_DEVICE void transpose_bits(const TransposeBits& call) {
    const unsigned words = (call.columns + 31) / 32, across = (call.rows + 31) / 32;
    const unsigned row = blockIdx.x * blockDim.x + threadIdx.x, column = blockIdx.y * 32 + threadIdx.x % 32;
    const unsigned word = transpose(row < call.rows ? call.from[(size_t)row * words + blockIdx.y] : 0);
    if (column < call.columns && row / 32 < across) call.to[(size_t)column * across + row / 32] = word;
}

template <typename E> struct SpikeProduct {
    const unsigned* ones;           // [rows, (along + 31) / 32]
    const unsigned* others;         // the same
    const E* x;                     // element (row, k) is x[row * row_stride + k * along_stride]
    const E* dense;                 // [along, columns]
    const E* first;                 // [columns]: what sums start with; or null for 0
    E* out;                         // [rows, columns]
    unsigned long long row_stride, along_stride;
    unsigned rows, along, columns;
    unsigned wide;                  // do rows of `columns` elements lie so that VEC of them are one access?
};

// blockIdx.x says which rows, blockIdx.y which columns.
template <typename F, typename E, int VEC> SNN_DEVICE void spike_product(const SpikeProduct<E>& call) {
    typedef Pack<F, VEC> Columns;
    SNN_SHARED(Columns, tile, 32 * 32);
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, words = (call.along + 31) / 32;
    const unsigned column = (blockIdx.y * 32 + lane) * VEC, row = blockIdx.x * PRODUCT_ROWS + warp * PRODUCT_ROWS_OF_WARP;
    const int left = column >= call.columns ? 0 : call.columns - column < VEC ? (int)(call.columns - column) : VEC;
    F sums[PRODUCT_ROWS_OF_WARP][VEC];
#pragma unroll
    for (int r = 0; r < PRODUCT_ROWS_OF_WARP; r++) load(sums[r], call.first + column, call.wide, call.first ? left : 0);
    for (unsigned word = 0; word < words; word++) {
        for (unsigned k = warp; k < 32; k += PRODUCT_WARPS) {
            F values[VEC];
            const unsigned from = word * 32 + k;
            load(values, call.dense + (size_t)from * call.columns + column, call.wide, from < call.along ? left : 0);
            Columns columns;
#pragma unroll
            for (int i = 0; i < VEC; i++) columns.of[i] = values[i];
            tile[k * 32 + lane] = columns;
        }
        __syncthreads();
#pragma unroll
        for (int r = 0; r < PRODUCT_ROWS_OF_WARP; r++) {
            if (row + r >= call.rows) break;
            const size_t at = (size_t)(row + r) * words + word;
            const unsigned others = call.others[at];
            for (unsigned bits = call.ones[at] | others; bits != 0; bits &= bits - 1) {
                const unsigned k = (unsigned)__ffs((int)bits) - 1;
                F by = F(1);
                if (others >> k & 1) by = widen(call.x[(row + r) * call.row_stride + (word * 32ull + k) * call.along_stride]);
                const Columns columns = tile[k * 32 + lane];
#pragma unroll
                for (int i = 0; i < VEC; i++) sums[r][i] = add(sums[r][i], mul(by, columns.of[i]));
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int r = 0; r < PRODUCT_ROWS_OF_WARP; r++) {
        if (row + r < call.rows) store(sums[r], call.out + (size_t)(row + r) * call.columns + column, call.wide, left);
    }
}

}  // namespace snn
