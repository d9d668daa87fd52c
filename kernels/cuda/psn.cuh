// Parallel spiking neurons, forward and backward. In: inputs of several steps and weights between steps; out: spikes, gradients.
//
// A thread has VEC neighbouring neurons and OUT steps at a time, whose sums are in registers: each input is read once for them. Per neuron the
// bits are those of `snn_kernels::psn_forward` and `psn_backward`. Gradients of weights are summed over neurons, in `F` within a thread and in
// `double` beyond.
//
// Bytes per neuron and step, f32, for at most OUT steps (8). SpikingJelly's are operations of torch (a matrix product, an addition, a surrogate
// function), which write h and save it; here it is computed again:
//
//               | reads                 | writes         | bytes
//      forward  | x                     | y              |     8
//      backward | x, grad_y; dh; dh, x  | dh; grad_x     |    28
#pragma once

#include "firing.cuh"
#include "sum.cuh"

namespace snn {

// Weights over time: rows are inputs, oldest first, and the outputs are those of the last rows.
template <typename F, typename E> struct Psn {
    const E* x;                     // [rows, neurons]
    const F* weight;                // [steps, rows], or [window] if sliding
    const F* bias;                  // [biases]
    E* y;                           // [steps, neurons]
    const E* grad_y;                // [steps, neurons]
    F* grad_h;                      // [steps, neurons]
    E* grad_x;                      // [rows, neurons]
    double* parts;                  // [parts, steps, rows + 1]: of the weights' gradient, the bias behind them
    F* grad_weight;                 // as weight
    F* grad_bias;                   // as bias
    Fires<F> fires;
    unsigned steps, rows, neurons;
    unsigned window;                // how many inputs an output sees, its own the last; 0: all
    unsigned sliding;               // is a weight the same for all outputs?
    unsigned biases;                // one for each output, or one
    unsigned part_count;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?

    // The row of output i's own input.
    SNN_DEVICE unsigned own(unsigned i) const { return rows - steps + i; }
    SNN_DEVICE bool sees(unsigned i, unsigned j) const { return window == 0 || (j <= own(i) && own(i) - j < window); }
    SNN_DEVICE F w(unsigned i, unsigned j) const { return weight[sliding ? window - 1 - (own(i) - j) : i * rows + j]; }
    SNN_DEVICE F b(unsigned i) const { return bias[biases == 1 ? 0 : i]; }
};

// h of the OUT outputs from `first` on.
template <int OUT, typename F, typename E, int VEC>
SNN_DEVICE void potentials(const Psn<F, E>& psn, const Lanes<VEC>& at, unsigned first, F (&h)[OUT][VEC]) {
#pragma unroll
    for (int o = 0; o < OUT; o++) {
#pragma unroll
        for (int k = 0; k < VEC; k++) h[o][k] = first + o < psn.steps ? psn.b(first + o) : F(0);
    }
    const unsigned last = first + OUT < psn.steps ? first + OUT : psn.steps;
    const unsigned from = psn.window && psn.own(first) + 1 > psn.window ? psn.own(first) + 1 - psn.window : 0;
    const unsigned to = psn.window ? psn.own(last - 1) + 1 : psn.rows;
    for (unsigned j = from; j < to; j++) {
        F x[VEC];
        load(x, psn.x + (size_t)j * psn.neurons + at.first, psn.wide, at.left);
#pragma unroll
        for (int o = 0; o < OUT; o++) {
            if (first + o < psn.steps && psn.sees(first + o, j)) {
                const F w = psn.w(first + o, j);
#pragma unroll
                for (int k = 0; k < VEC; k++) h[o][k] = add(h[o][k], mul(w, x[k]));
            }
        }
    }
}

// Calls `each(t, h)` with the potentials of every output t.
template <int OUT, typename F, typename E, int VEC, typename Each>
SNN_DEVICE void outputs(const Psn<F, E>& psn, const Lanes<VEC>& at, const Each& each) {
    for (unsigned first = 0; first < psn.steps; first += OUT) {
        F h[OUT][VEC];
        potentials<OUT>(psn, at, first, h);
#pragma unroll
        for (int o = 0; o < OUT; o++) {
            if (first + o < psn.steps) each(first + o, h[o]);
        }
    }
}

template <typename Fire, typename F, typename E, int VEC, int OUT> SNN_DEVICE void psn_forward(const Psn<F, E>& psn) {
    const Lanes<VEC> at(psn.neurons);
    outputs<OUT>(psn, at, [&](unsigned t, const F (&h)[VEC]) {
        F y[VEC];
        psn.fires.template spikes<Fire>(at.first, t, h, y);
        store(y, psn.y + (size_t)t * psn.neurons + at.first, psn.wide, at.left);
    });
}

// dL/dh of every output.
template <typename Fire, typename F, typename E, int VEC, int OUT> SNN_DEVICE void psn_slopes(const Psn<F, E>& psn) {
    const Lanes<VEC> at(psn.neurons);
    outputs<OUT>(psn, at, [&](unsigned t, const F (&h)[VEC]) {
        const size_t row = (size_t)t * psn.neurons + at.first;
        F grad[VEC];
        load(grad, psn.grad_y + row, psn.wide, at.left);
#pragma unroll
        for (int k = 0; k < VEC; k++) grad[k] = mul(Fire::slope(psn.fires.surrogate, h[k]), grad[k]);
        store(grad, psn.grad_h + row, psn.wide, at.left);
    });
}

// dL/dx of every input.
template <typename F, typename E, int VEC, int OUT> SNN_DEVICE void psn_inputs(const Psn<F, E>& psn) {
    const Lanes<VEC> at(psn.neurons);
    for (unsigned first = 0; first < psn.rows; first += OUT) {
        F sum[OUT][VEC];
#pragma unroll
        for (int o = 0; o < OUT; o++) {
#pragma unroll
            for (int k = 0; k < VEC; k++) sum[o][k] = F(0);
        }
        for (unsigned i = 0; i < psn.steps; i++) {
            if (psn.window && (first > psn.own(i) || psn.own(i) - first >= psn.window + OUT - 1)) continue;
            F grad[VEC];
            load(grad, (const F*)psn.grad_h + (size_t)i * psn.neurons + at.first, psn.wide, at.left);
#pragma unroll
            for (int o = 0; o < OUT; o++) {
                if (first + o < psn.rows && psn.sees(i, first + o)) {
                    const F w = psn.w(i, first + o);
#pragma unroll
                    for (int k = 0; k < VEC; k++) sum[o][k] = add(sum[o][k], mul(w, grad[k]));
                }
            }
        }
#pragma unroll
        for (int o = 0; o < OUT; o++) {
            if (first + o < psn.rows) store(sum[o], psn.grad_x + (size_t)(first + o) * psn.neurons + at.first, psn.wide, at.left);
        }
    }
}

// A block of PSN_TILE outputs and inputs.
constexpr int PSN_TILE = 4;

// Sums over some neurons of dL/dh x of every output and input, and of dL/dh: blockIdx.x says which tile, blockIdx.y which neurons.
template <typename F, typename E, int VEC> SNN_DEVICE void psn_weights(const Psn<F, E>& psn) {
    SNN_SHARED(double, shared, SUM_THREADS);
    const unsigned columns = psn.rows + 1, tiles = (columns + PSN_TILE - 1) / PSN_TILE;
    const unsigned i0 = blockIdx.x / tiles * PSN_TILE, j0 = blockIdx.x % tiles * PSN_TILE;
    F sums[PSN_TILE][PSN_TILE];
#pragma unroll
    for (int a = 0; a < PSN_TILE; a++) {
#pragma unroll
        for (int b = 0; b < PSN_TILE; b++) sums[a][b] = F(0);
    }
    const unsigned stride = gridDim.y * SUM_THREADS * VEC;
    for (unsigned first = (blockIdx.y * SUM_THREADS + threadIdx.x) * VEC; first < psn.neurons; first += stride) {
        const int left = psn.neurons - first < VEC ? (int)(psn.neurons - first) : VEC;
        F grad[PSN_TILE][VEC], x[PSN_TILE][VEC];
#pragma unroll
        for (int a = 0; a < PSN_TILE; a++) {
            load(grad[a], (const F*)psn.grad_h + (size_t)(i0 + a) * psn.neurons + first, psn.wide, i0 + a < psn.steps ? left : 0);
            const unsigned j = j0 + a;
            load(x[a], psn.x + (size_t)j * psn.neurons + first, psn.wide, j < psn.rows ? left : 0);
#pragma unroll
            for (int k = 0; k < VEC; k++) x[a][k] = j == psn.rows ? F(1) : x[a][k];
        }
#pragma unroll
        for (int a = 0; a < PSN_TILE; a++) {
#pragma unroll
            for (int b = 0; b < PSN_TILE; b++) {
#pragma unroll
                for (int k = 0; k < VEC; k++) sums[a][b] = add(sums[a][b], mul(grad[a][k], x[b][k]));
            }
        }
    }
#pragma unroll
    for (int a = 0; a < PSN_TILE; a++) {
#pragma unroll
        for (int b = 0; b < PSN_TILE; b++) {
            const double sum = block_sum<1>(double(sums[a][b]), shared);
            const unsigned i = i0 + a, j = j0 + b;
            if (threadIdx.x == 0 && i < psn.steps && j < columns) psn.parts[((size_t)blockIdx.y * psn.steps + i) * columns + j] = sum;
        }
    }
}

// Gradients of weights and bias of their parts; a thread has one of them.
template <typename F, typename E> SNN_DEVICE void psn_fold(const Psn<F, E>& psn) {
    const unsigned slot = blockIdx.x * blockDim.x + threadIdx.x, columns = psn.rows + 1;
    const unsigned weights = psn.sliding ? psn.window : psn.steps * psn.rows;
    if (slot >= weights + psn.biases) return;
    const bool of_bias = slot >= weights, all = of_bias ? psn.biases == 1 : psn.sliding != 0;
    double sum = 0.0;
    for (unsigned i = 0; i < psn.steps; i++) {
        if (!all && i != (of_bias ? slot - weights : slot / psn.rows)) continue;
        const unsigned lag = psn.sliding && !of_bias ? psn.window - 1 - slot : 0;
        if (lag > psn.own(i)) continue;
        const unsigned j = of_bias ? psn.rows : psn.sliding ? psn.own(i) - lag : slot % psn.rows;
        if (!of_bias && !psn.sees(i, j)) continue;
        for (unsigned part = 0; part < psn.part_count; part++) sum = add(sum, psn.parts[((size_t)part * psn.steps + i) * columns + j]);
    }
    if (of_bias) psn.grad_bias[slot - weights] = F(sum);
    else psn.grad_weight[slot] = F(sum);
}

}  // namespace snn
