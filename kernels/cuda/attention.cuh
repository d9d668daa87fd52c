// Attention gates over time, channels and space. In: a sequence, and the gates that libtorch makes of the means and maxima here; out: those, and the
// gated sequence. The way back is in `attention_backward.cuh`.
//
// What is small and dense, the perceptrons and the convolution behind the gates, is libtorch's. Per element the bits are those of
// `snn_kernels::attention` for the same gates, and so are those of the sums over steps, `attention_channels`. Other sums end in `double`, in an order
// that is not the CPU's. Where something is the largest is found once, on the way forward: of equal values the first.
//
// Bytes per element, f32, beside SpikingJelly's, which are operations of torch (a mean, a maximum and a product for each stage; relu):
//
//               | reads                                              | writes | bytes  | SpikingJelly
//      forward  | x; x again for the spatial gate; x                 | y      | 12, 16 | about 50
//      backward | x, grad_y; again for the spatial gate; x, grad_y   | grad_x | 20, 28 | about 90
#pragma once

#include "sum.cuh"

namespace snn {

// Nowhere; the place of a maximum that is not a number.
constexpr unsigned NONE = 0xffffffffu;

// Threads of a block that have the same pixels, some steps and channels each.
constexpr int ATTENTION_SLICES = 8;

// All of a stage is null where the layer does not have it.
template <typename F, typename E> struct Attention {
    const E* x;                     // [steps, samples, channels, pixels]
    E* y;                           // as x
    const E* grad_y;                // as x
    E* grad_x;                      // as x
    F* row_sum;                     // [steps, samples, channels]: over pixels of x
    F* row_max;
    unsigned* row_first;            // which pixel
    F* row_along;                   // sums over pixels of x dL/d(what the spatial stage gets)
    F* step_stats;                  // [2, samples, steps]: mean and maximum
    unsigned* step_first;           // [samples, steps]: which channel
    const F* step_gates;            // [samples, steps]
    F* step_grad;                   // [samples, steps]: of the gates
    const F* step_back;             // [2, samples, steps]: of mean and maximum
    F* channel_stats;               // [2, samples, channels]
    unsigned* channel_first;        // [samples, channels]: which step
    const F* channel_gates;         // [samples, channels]
    F* channel_grad;
    const F* channel_back;          // [2, samples, channels]
    F* planes;                      // [samples, 2, pixels]
    unsigned* pixel_first;          // [samples, pixels]: which step and channel, counted as one
    const F* pixel_gates;           // [samples, pixels]
    F* pixel_grad;
    const F* planes_back;           // [samples, 2, pixels]
    double step_share, channel_share, pixel_share;  // 1 / (number of elements in a mean)
    unsigned steps, samples, channels, pixels;
    unsigned relu;                  // is what is negative set to 0 at the end?
    unsigned wide;                  // do all rows of pixels lie so that VEC elements are one access?

    SNN_DEVICE unsigned row(unsigned t, unsigned n, unsigned c) const { return (t * samples + n) * channels + c; }
    SNN_DEVICE F step_gate(unsigned t, unsigned n) const { return step_gates ? step_gates[n * steps + t] : F(1); }
    SNN_DEVICE F channel_gate(unsigned n, unsigned c) const { return channel_gates ? channel_gates[n * channels + c] : F(1); }
};

// A row of pixels, which 64 / VEC threads have together: thread i its pixels 64 j + i VEC + k, as the lanes of the CPU's kernels.
template <typename F, typename E, int VEC> struct PixelRow {
    static constexpr int THREADS = 64 / VEC;
    const Attention<F, E>& call;
    unsigned row, t, n, c, lane;    // the first row where there is none
    unsigned pixels;                // of the row; 0 where there is none
    F step, channel;                // gates

    SNN_DEVICE explicit PixelRow(const Attention<F, E>& call) : call(call), lane(threadIdx.x % THREADS) {
        row = (unsigned)(((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / THREADS);
        pixels = row < call.steps * call.samples * call.channels ? call.pixels : 0;
        if (pixels == 0) row = 0;
        c = row % call.channels;
        n = row / call.channels % call.samples;
        t = row / call.channels / call.samples;
        step = call.step_gate(t, n);
        channel = call.channel_gate(n, c);
    }
    SNN_DEVICE int left(unsigned p) const { return p >= pixels ? 0 : pixels - p < VEC ? (int)(pixels - p) : VEC; }
    SNN_DEVICE size_t at(unsigned p) const { return (size_t)row * call.pixels + p; }

    // Behind the temporal and channel gates.
    SNN_DEVICE F gated(F x) const { return mul(mul(x, step), channel); }
    SNN_DEVICE void pixel_gates(unsigned p, F (&to)[VEC]) const {
        load(to, call.pixel_gates + (size_t)n * call.pixels + p, call.wide, call.pixel_gates ? left(p) : 0);
#pragma unroll
        for (int k = 0; k < VEC; k++) to[k] = call.pixel_gates ? to[k] : F(1);
    }
};

// The larger of two maxima; of equal ones that of the smaller place.
template <typename F> SNN_DEVICE void larger(F other, unsigned place, F& max, unsigned& first) {
    const bool wins = other > max || (other == max && place < first);
    max = wins ? other : max;
    first = wins ? place : first;
}

// Sum and maximum of every row of pixels.
template <typename F, typename E, int VEC> SNN_DEVICE void attention_rows(const Attention<F, E>& call) {
    typedef PixelRow<F, E, VEC> Row;
    const Row at(call);
    // The CPU's maxima start here, too: what a NaN in front does.
    const F start = at.pixels > 0 ? F(widen(call.x[at.at(0)])) : F(0);
    F sum[VEC], max = start;
    unsigned first = NONE;
#pragma unroll
    for (int k = 0; k < VEC; k++) sum[k] = F(0);
#pragma unroll 4
    for (unsigned p = at.lane * VEC; p < at.pixels; p += 64) {
        F x[VEC];
        load(x, call.x + at.at(p), call.wide, at.left(p));
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            sum[k] = add(sum[k], x[k]);
            if (k < at.left(p)) larger(x[k], p + k, max, first);
        }
    }
    double total = 0.0;
#pragma unroll
    for (int k = 0; k < VEC; k++) total = add(total, double(sum[k]));
#pragma unroll
    for (int apart = 1; apart < Row::THREADS; apart *= 2) {
        total = add(total, other(total, apart));
        const F max_there = other(max, apart);
        larger(max_there, __shfl_xor_sync(0xffffffffu, first, apart), max, first);
    }
    if (at.lane == 0 && at.pixels > 0) {
        call.row_sum[at.row] = F(total);
        call.row_max[at.row] = max;
        call.row_first[at.row] = first;
    }
}

// Mean and maximum of every step of a sample: a warp has one, its lanes the channels.
template <typename F, typename E> SNN_DEVICE void attention_steps(const Attention<F, E>& call) {
    const unsigned i = (unsigned)(((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = threadIdx.x % 32;
    const bool there = i < call.samples * call.steps;
    const unsigned n = there ? i / call.steps : 0, t = there ? i % call.steps : 0, channels = there ? call.channels : 0;
    F sum = F(0), max = there ? call.row_max[call.row(t, n, 0)] : F(0);
    unsigned first = NONE;
    for (unsigned c = lane; c < channels; c += 32) {
        const unsigned row = call.row(t, n, c);
        sum = add(sum, call.row_sum[row]);
        larger(call.row_max[row], c, max, first);
    }
    double total = double(sum);
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) {
        total = add(total, other(total, apart));
        const F max_there = other(max, apart);
        larger(max_there, __shfl_xor_sync(0xffffffffu, first, apart), max, first);
    }
    if (lane == 0 && there) {
        call.step_stats[i] = mul(F(total), F(call.step_share));
        call.step_stats[call.samples * call.steps + i] = max;
        call.step_first[i] = first;
    }
}

// Mean and maximum of every channel of a sample, over steps behind their gates: a thread has one.
template <typename F, typename E> SNN_DEVICE void attention_channels(const Attention<F, E>& call) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= call.samples * call.channels) return;
    const unsigned n = i / call.channels, c = i % call.channels;
    F sum = F(0), max = F(0);
    unsigned first = NONE;
    for (unsigned t = 0; t < call.steps; t++) {
        const F gate = call.step_gate(t, n), here = mul(call.row_max[call.row(t, n, c)], gate);
        sum = add(sum, mul(call.row_sum[call.row(t, n, c)], gate));
        if (t == 0) max = here;
        larger(here, t, max, first);
    }
    call.channel_stats[i] = mul(sum, F(call.channel_share));
    call.channel_stats[call.samples * call.channels + i] = max;
    call.channel_first[i] = first;
}

// 32 VEC neighbouring pixels of a sample belong to a block; its warps share out steps and channels, one after the other.
template <typename F, typename E, int VEC> struct PixelBlock {
    const Attention<F, E>& call;
    unsigned n, p, slice;
    int left;
    unsigned from, to;              // steps and channels, counted as one

    SNN_DEVICE explicit PixelBlock(const Attention<F, E>& call) : call(call), slice(threadIdx.x / 32) {
        const unsigned blocks = (call.pixels + 32 * VEC - 1) / (32 * VEC);
        n = blockIdx.x / blocks;
        p = (blockIdx.x % blocks * 32 + threadIdx.x % 32) * VEC;
        left = p >= call.pixels ? 0 : call.pixels - p < VEC ? (int)(call.pixels - p) : VEC;
        const unsigned count = call.steps * call.channels, each = (count + ATTENTION_SLICES - 1) / ATTENTION_SLICES;
        from = slice * each < count ? slice * each : count;
        to = from + each < count ? from + each : count;
    }
    SNN_DEVICE size_t at(unsigned tc) const {
        return (size_t)call.row(tc / call.channels, n, tc % call.channels) * call.pixels + p;
    }
    // x behind the temporal and channel gates.
    SNN_DEVICE void gated(unsigned tc, F (&z)[VEC]) const {
        const F step = call.step_gate(tc / call.channels, n), channel = call.channel_gate(n, tc % call.channels);
        load(z, call.x + at(tc), call.wide, left);
#pragma unroll
        for (int k = 0; k < VEC; k++) z[k] = mul(mul(z[k], step), channel);
    }
};

// The sum of what the slices of a block have, for the first of them.
template <typename F, int VEC> SNN_DEVICE void sum_slices(const F (&own)[VEC], Pack<F, VEC>* shared, unsigned slice, F (&out)[VEC]) {
    Pack<F, VEC> pack;
#pragma unroll
    for (int k = 0; k < VEC; k++) pack.of[k] = own[k];
    shared[threadIdx.x] = pack;
    __syncthreads();
    if (slice != 0) return;
    double total[VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) total[k] = double(own[k]);
    for (int s = 1; s < ATTENTION_SLICES; s++) {
        const Pack<F, VEC> there = shared[s * 32 + threadIdx.x];
#pragma unroll
        for (int k = 0; k < VEC; k++) total[k] = add(total[k], double(there.of[k]));
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) out[k] = F(total[k]);
}

// Mean and maximum of every pixel of a sample, over steps and channels behind their gates.
template <typename F, typename E, int VEC> SNN_DEVICE void attention_planes(const Attention<F, E>& call) {
    typedef Pack<F, VEC> Values;
    typedef Pack<unsigned, VEC> Places;
    SNN_SHARED(Values, sums, 32 * ATTENTION_SLICES);
    SNN_SHARED(Values, maxima, 32 * ATTENTION_SLICES);
    SNN_SHARED(Places, firsts, 32 * ATTENTION_SLICES);
    const PixelBlock<F, E, VEC> block(call);
    F sum[VEC], mean[VEC], max[VEC];
    Values of_max;
    Places of_first;
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        sum[k] = mean[k] = max[k] = F(0);
        of_first.of[k] = NONE;
    }
#pragma unroll 4
    for (unsigned tc = block.from; tc < block.to; tc++) {
        F z[VEC];
        block.gated(tc, z);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            sum[k] = add(sum[k], z[k]);
            // A NaN stays where it is the first of all, and is passed over elsewhere.
            const bool wins = tc == 0 || (of_first.of[k] == NONE ? z[k] == z[k] : z[k] > max[k]);
            max[k] = wins ? z[k] : max[k];
            of_first.of[k] = wins ? tc : of_first.of[k];
        }
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) of_max.of[k] = max[k];
    maxima[threadIdx.x] = of_max;
    firsts[threadIdx.x] = of_first;
    sum_slices(sum, sums, block.slice, mean);
    if (block.slice != 0) return;
    for (int s = 1; s < ATTENTION_SLICES; s++) {
        const Values there = maxima[s * 32 + threadIdx.x];
        const Places places = firsts[s * 32 + threadIdx.x];
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const bool wins = places.of[k] != NONE && there.of[k] > max[k];
            max[k] = wins ? there.of[k] : max[k];
            of_first.of[k] = wins ? places.of[k] : of_first.of[k];
        }
    }
#pragma unroll
    for (int k = 0; k < VEC; k++) mean[k] = mul(mean[k], F(call.pixel_share));
    F* plane = call.planes + (size_t)block.n * 2 * call.pixels + block.p;
    store(mean, plane, call.wide, block.left);
    store(max, plane + call.pixels, call.wide, block.left);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        if (k < block.left) call.pixel_first[(size_t)block.n * call.pixels + block.p + k] = of_first.of[k];
    }
}

// y.
template <typename F, typename E, int VEC> SNN_DEVICE void attention_gate(const Attention<F, E>& call) {
    const PixelRow<F, E, VEC> at(call);
#pragma unroll 4
    for (unsigned p = at.lane * VEC; p < at.pixels; p += 64) {
        F x[VEC], gate[VEC];
        load(x, call.x + at.at(p), call.wide, at.left(p));
        at.pixel_gates(p, gate);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F z = mul(at.gated(x[k]), gate[k]);
            x[k] = call.relu && z < F(0) ? F(0) : z;
        }
        store(x, call.y + at.at(p), call.wide, at.left(p));
    }
}

}  // namespace snn
