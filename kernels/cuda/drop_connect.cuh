// A linear layer that drops single connections: forward, backward, and its mean over masks. In: rows of features, weights and a place in
// Philox's streams; out: activations of the masked sums, and gradients. No mask is ever in memory: each use computes its bits again.
//
// Inputs come in blocks of 64, the bias as one more of them. The words of 16 blocks of Philox are the mask of such a block, so a thread has 4
// neighbouring ones and with them 4 times 4 neighbouring inputs; 4 threads have a block. Sums run as in `snn_kernels::drop_connect`: 64 of them
// side by side, then in halves. Per element the bits are those of the CPU, gradients of the weights too.
//
// Reads of f32 for [rows, inputs] and [outputs, inputs]: x, W and 60 integer operations per 4 connections, rows times outputs times inputs, forward
// and twice backward; a stored mask would be 4 bytes written and read for each, which SpikingJelly does (it draws masks of W's size per sample).
#pragma once

#include "philox.cuh"
#include "sum.cuh"

namespace snn {

constexpr unsigned DROP_CONNECT_STEPS = 64, BLOCK = 64;

enum Activation { IDENTITY, RELU, TANH, SIGMOID };

template <typename F> SNN_DEVICE F activate(unsigned activation, F x) {
    if (activation == RELU) return x < F(0) ? F(0) : x;
    if (activation == TANH) return tanh(x);
    if (activation == SIGMOID) return sigmoid(x);
    return x;
}

template <typename F> SNN_DEVICE F slope_of(unsigned activation, F y) {
    if (activation == RELU) return y > F(0) ? F(1) : F(0);
    if (activation == TANH) return sub(F(1), mul(y, y));
    if (activation == SIGMOID) return mul(y, sub(F(1), y));
    return F(1);
}

template <typename F, typename E> struct DropConnect {
    const E* x;                     // [steps, samples, inputs]
    const F* w;                     // [outputs, inputs]
    const F* b;                     // [outputs], or null
    E* y;                           // [steps, samples, outputs]
    const E* grad;                  // as y
    E* grad_x;                      // as x
    F* grad_w;                      // as w
    F* grad_b;                      // as b, or null
    const F* mask_w;                // [masks, samples, outputs, inputs] from elsewhere, or null
    const F* mask_b;                // [masks, samples, outputs]
    const F* noise;                 // [steps, samples_num, samples, outputs] from elsewhere, or null
    double keep, spread, share;     // of the mean over masks: 1 - p, p (1 - p), 1 / samples_num
    Draw draw;                      // `draw` is that of the step
    unsigned last_kept;             // words up to this are kept
    unsigned steps, samples, inputs, outputs;
    unsigned activation, samples_num;
    unsigned padding;
    unsigned of_step[DROP_CONNECT_STEPS];  // the draw of a step, or the number of its mask
    unsigned more;                  // do weight gradients go on from what is there?
    unsigned wide;                  // do all rows of `inputs` lie so that VEC elements are one access?
};

// 16 of the inputs of a block: [word][lane].
template <typename F> struct Inputs { F of[4][4]; };

// Row `row` from block j on, where `bias` stands behind the last input, and zeros behind that.
template <typename F, typename E, int VEC> SNN_DEVICE void load_block(Inputs<F>& to, const E* row, unsigned inputs, bool wide, F bias, unsigned j) {
#pragma unroll
    for (int w = 0; w < 4; w++) {
#pragma unroll
        for (int i = 0; i < 4; i += VEC) {
            const unsigned first = j * BLOCK + w * 16 + threadIdx.x % 4 * 4 + i;
            const int left = first >= inputs ? 0 : inputs - first < VEC ? (int)(inputs - first) : VEC;
            F values[VEC];
            load(values, row + first, wide, left);
#pragma unroll
            for (int k = 0; k < VEC; k++) to.of[w][i + k] = first + k == inputs ? bias : values[k];
        }
    }
}

// The words of this thread's lanes in block j of row `row`: [word][lane].
SNN_DEVICE void words_of(const Draw& draw, unsigned row, unsigned j, unsigned (&to)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        unsigned words[4];
        philox(draw, j * 16 + threadIdx.x % 4 * 4 + i, row, words);
#pragma unroll
        for (int w = 0; w < 4; w++) to[w][i] = words[w];
    }
}

// What the mask of (step, sample, output) keeps of block j.
template <typename F, typename E, int VEC>
SNN_DEVICE void keep(const DropConnect<F, E>& call, unsigned t, unsigned n, unsigned output, unsigned j, Inputs<F>& values) {
    const unsigned connections = n * call.outputs + output, mask = call.of_step[t];
    if (call.mask_w) {
        const size_t at = (size_t)mask * call.samples * call.outputs + connections;
        Inputs<F> kept;
        load_block<F, F, VEC>(kept, call.mask_w + at * call.inputs, call.inputs, call.wide, call.mask_b ? call.mask_b[at] : F(0), j);
#pragma unroll
        for (int w = 0; w < 4; w++) {
#pragma unroll
            for (int i = 0; i < 4; i++) values.of[w][i] = mul(values.of[w][i], kept.of[w][i]);
        }
        return;
    }
    Draw draw = call.draw;
    draw.draw = mask;
    unsigned words[4][4];
    words_of(draw, connections, j, words);
#pragma unroll
    for (int w = 0; w < 4; w++) {
#pragma unroll
        for (int i = 0; i < 4; i++) values.of[w][i] = words[w][i] <= call.last_kept ? values.of[w][i] : F(0);
    }
}

// The sum of 64 sums of 4 threads, in halves. All threads of the warp take part.
template <typename F> SNN_DEVICE F total(const Inputs<F>& sums) {
    F s[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        s[i] = add(add(sums.of[0][i], sums.of[2][i]), add(sums.of[1][i], sums.of[3][i]));
        s[i] = add(s[i], other(s[i], 2));
        s[i] = add(s[i], other(s[i], 1));
    }
    return add(add(s[0], s[2]), add(s[1], s[3]));
}

// 4 threads have an output.
struct Output {
    unsigned long long at;          // of [steps, samples, outputs]
    unsigned row, t, n, output;
    bool there;

    template <typename F, typename E> SNN_DEVICE explicit Output(const DropConnect<F, E>& call) {
        at = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / 4;
        there = at < (unsigned long long)call.steps * call.samples * call.outputs;
        row = there ? (unsigned)(at / call.outputs) : 0;
        output = there ? (unsigned)(at % call.outputs) : 0;
        t = row / call.samples;
        n = row % call.samples;
    }
};

template <typename F, typename E> SNN_DEVICE unsigned blocks_of(const DropConnect<F, E>& call) {
    return (call.inputs + (call.b ? 1 : 0) + BLOCK - 1) / BLOCK;
}

template <typename F, typename E, int VEC> SNN_DEVICE void drop_connect(const DropConnect<F, E>& call) {
    const Output at(call);
    const unsigned blocks = at.there ? blocks_of(call) : 0;
    const F bias = call.b ? call.b[at.output] : F(0);
    Inputs<F> sums = {};
    for (unsigned j = 0; j < blocks; j++) {
        Inputs<F> x, w;
        load_block<F, E, VEC>(x, call.x + (size_t)at.row * call.inputs, call.inputs, call.wide, F(1), j);
        load_block<F, F, VEC>(w, call.w + (size_t)at.output * call.inputs, call.inputs, call.wide, bias, j);
#pragma unroll
        for (int q = 0; q < 16; q++) w.of[q / 4][q % 4] = mul(w.of[q / 4][q % 4], x.of[q / 4][q % 4]);
        keep<F, E, VEC>(call, at.t, at.n, at.output, j, w);
#pragma unroll
        for (int q = 0; q < 16; q++) sums.of[q / 4][q % 4] = add(sums.of[q / 4][q % 4], w.of[q / 4][q % 4]);
    }
    const F sum = total(sums);
    if (at.there && threadIdx.x % 4 == 0) narrow(activate(call.activation, sum), call.y[at.at]);
}

// The gradient of a masked sum.
template <typename F, typename E> SNN_DEVICE F inner(const DropConnect<F, E>& call, unsigned row, unsigned output) {
    const size_t at = (size_t)row * call.outputs + output;
    return mul(F(widen(call.grad[at])), slope_of(call.activation, F(widen(call.y[at]))));
}

// VEC neighbours at a time of what belongs to inputs.
template <typename F, typename E, int VEC> SNN_DEVICE void store_block(const Inputs<F>& from, E* row, unsigned inputs, bool wide, unsigned j) {
#pragma unroll
    for (int w = 0; w < 4; w++) {
#pragma unroll
        for (int i = 0; i < 4; i += VEC) {
            const unsigned first = j * BLOCK + w * 16 + threadIdx.x % 4 * 4 + i;
            F values[VEC];
#pragma unroll
            for (int k = 0; k < VEC; k++) values[k] = from.of[w][i + k];
            store(values, row + first, wide, first >= inputs ? 0 : inputs - first < VEC ? (int)(inputs - first) : VEC);
        }
    }
}

// 4 threads have a block of inputs of a row: dL/dx.
template <typename F, typename E, int VEC> SNN_DEVICE void drop_connect_input(const DropConnect<F, E>& call) {
    const unsigned long long at = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / 4;
    const unsigned blocks = (call.inputs + BLOCK - 1) / BLOCK;
    if (at >= (unsigned long long)call.steps * call.samples * blocks) return;
    const unsigned row = (unsigned)(at / blocks), j = (unsigned)(at % blocks);
    Inputs<F> sums = {};
    for (unsigned output = 0; output < call.outputs; output++) {
        const F g = inner(call, row, output);
        if (g == F(0)) continue;
        Inputs<F> w;
        load_block<F, F, VEC>(w, call.w + (size_t)output * call.inputs, call.inputs, call.wide, F(0), j);
        keep<F, E, VEC>(call, row / call.samples, row % call.samples, output, j, w);
#pragma unroll
        for (int q = 0; q < 16; q++) sums.of[q / 4][q % 4] = add(sums.of[q / 4][q % 4], mul(g, w.of[q / 4][q % 4]));
    }
    store_block<F, E, VEC>(sums, call.grad_x + (size_t)row * call.inputs, call.inputs, call.wide, j);
}

// 4 threads have a block of inputs of an output: dL/dw, and dL/db in the last block.
template <typename F, typename E, int VEC> SNN_DEVICE void drop_connect_weight(const DropConnect<F, E>& call) {
    const unsigned long long at = ((unsigned long long)blockIdx.x * blockDim.x + threadIdx.x) / 4;
    const unsigned blocks = blocks_of(call);
    if (at >= (unsigned long long)call.outputs * blocks) return;
    const unsigned output = (unsigned)(at / blocks), j = (unsigned)(at % blocks);
    F* row_of = call.grad_w + (size_t)output * call.inputs;
    Inputs<F> sums = {};
    if (call.more) load_block<F, F, VEC>(sums, row_of, call.inputs, call.wide, call.grad_b ? call.grad_b[output] : F(0), j);
    for (unsigned row = 0; row < call.steps * call.samples; row++) {
        const F g = inner(call, row, output);
        if (g == F(0)) continue;
        Inputs<F> x;
        load_block<F, E, VEC>(x, call.x + (size_t)row * call.inputs, call.inputs, call.wide, F(1), j);
        keep<F, E, VEC>(call, row / call.samples, row % call.samples, output, j, x);
#pragma unroll
        for (int q = 0; q < 16; q++) sums.of[q / 4][q % 4] = add(sums.of[q / 4][q % 4], mul(g, x.of[q / 4][q % 4]));
    }
    store_block<F, F, VEC>(sums, row_of, call.inputs, call.wide, j);
#pragma unroll
    for (int q = 0; q < 16; q++) {
        if (call.grad_b && j * BLOCK + q / 4 * 16 + threadIdx.x % 4 * 4 + q % 4 == call.inputs) call.grad_b[output] = sums.of[q / 4][q % 4];
    }
}

// ln(u) of u = (word / 2 + 1/2) / 2^31: `ln` of kernels/src/drop_connect/normal.rs.
SNN_DEVICE float ln_of(unsigned word) {
    const float u = mul(add((float)(int)(word >> 1), 0.5f), 1.0f / 2147483648.0f);
    const int bits = __float_as_int(u), shift = (bits - 0x3F3504F3) >> 23;
    const float f = sub(__int_as_float((int)((unsigned)bits - ((unsigned)shift << 23))), 1.0f);
    const float n = (float)shift, z = mul(f, f);
    float p = 7.0376836292e-2f;
    p = step(p, f, -1.1514610310e-1f);
    p = step(p, f, 1.1676998740e-1f);
    p = step(p, f, -1.2420140846e-1f);
    p = step(p, f, 1.4249322787e-1f);
    p = step(p, f, -1.6668057665e-1f);
    p = step(p, f, 2.0000714765e-1f);
    p = step(p, f, -2.4999993993e-1f);
    p = step(p, f, 3.3333331174e-1f);
    const float y = sub(sub(mul(mul(p, f), z), mul(2.12194440e-4f, n)), mul(0.5f, z));
    return add(add(f, y), mul(0.693359375f, n));
}

// Sine and cosine of 2 pi word / 2^32: `sin_cos` there.
SNN_DEVICE void sin_cos(unsigned word, float& sine, float& cosine) {
    const unsigned quarter = (word + (1u << 29)) >> 30;
    const float a = mul((float)(int)(word - (quarter << 30)), 6.283185307179586f / 4294967296.0f);
    const float z = mul(a, a);
    const float s = add(mul(mul(step(step(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f), z), a), a);
    const float c = add(sub(mul(mul(step(step(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f), z), z), mul(0.5f, z)), 1.0f);
    const bool odd = quarter & 1;
    sine = __int_as_float((int)((unsigned)__float_as_int(odd ? c : s) ^ (quarter >> 1 & 1) << 31));
    cosine = __int_as_float((int)((unsigned)__float_as_int(odd ? s : c) ^ ((quarter + 1) >> 1 & 1) << 31));
}

// The mean of the outputs over masks, their sums taken as normally distributed.
template <typename F, typename E, int VEC> SNN_DEVICE void drop_connect_mean(const DropConnect<F, E>& call) {
    const Output at(call);
    const unsigned blocks = at.there ? blocks_of(call) : 0;
    const F bias = call.b ? call.b[at.output] : F(0);
    Inputs<F> sums = {}, squares = {};
    for (unsigned j = 0; j < blocks; j++) {
        Inputs<F> x, w;
        load_block<F, E, VEC>(x, call.x + (size_t)at.row * call.inputs, call.inputs, call.wide, F(1), j);
        load_block<F, F, VEC>(w, call.w + (size_t)at.output * call.inputs, call.inputs, call.wide, bias, j);
#pragma unroll
        for (int q = 0; q < 16; q++) {
            const F product = mul(w.of[q / 4][q % 4], x.of[q / 4][q % 4]);
            sums.of[q / 4][q % 4] = add(sums.of[q / 4][q % 4], product);
            squares.of[q / 4][q % 4] = add(squares.of[q / 4][q % 4], mul(product, product));
        }
    }
    const F mu = mul(F(call.keep), total(sums));
    const double variance = mul(call.spread, double(total(squares)));
    const F sigma = F(sqrt(variance));
    const unsigned numbers = at.there && variance != 0.0 ? (call.samples_num + BLOCK - 1) / BLOCK : 0;
    Inputs<F> means = {};
    for (unsigned j = 0; j < numbers; j++) {
        float z[4][4] = {};
        if (!call.noise) {
            Draw draw = call.draw;
            draw.draw = call.of_step[at.t];
            unsigned words[4][4];
            words_of(draw, at.n * call.outputs + at.output, j, words);
#pragma unroll
            for (int q = 0; q < 8; q++) {
                const int pair = q / 4 * 2, i = q % 4;
                const float radius = sqrt(mul(-2.0f, ln_of(words[pair][i])));
                float sine, cosine;
                sin_cos(words[pair + 1][i], sine, cosine);
                z[pair][i] = mul(radius, cosine);
                z[pair + 1][i] = mul(radius, sine);
            }
        }
#pragma unroll
        for (int q = 0; q < 16; q++) {
            const unsigned s = j * BLOCK + q / 4 * 16 + threadIdx.x % 4 * 4 + q % 4;
            if (s >= call.samples_num) continue;
            F number = F(z[q / 4][q % 4]);
            if (call.noise) number = call.noise[(((size_t)at.t * call.samples_num + s) * call.samples + at.n) * call.outputs + at.output];
            means.of[q / 4][q % 4] = add(means.of[q / 4][q % 4], activate(call.activation, add(mu, mul(sigma, number))));
        }
    }
    const F mean = mul(total(means), F(call.share));
    if (at.there && threadIdx.x % 4 == 0) narrow(variance == 0.0 ? activate(call.activation, mu) : mean, call.y[at.at]);
}

}  // namespace snn
