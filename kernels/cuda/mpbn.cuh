// LIF neurons whose charged potential is batch-normalised at every step, forward and backward. In: inputs, the first potential, a threshold and a
// normalisation per channel; out: spikes, the last potential, the statistics of each step, gradients.
//
// A block has CHANNELS neighbouring channels and runs them through all steps, its threads side by side along a channel's neurons, VEC of them
// each; CHANNELS is 32 where a channel's neurons lie apart, and VEC is 1 then. Potentials stay in memory (the L2 cache): a thread only touches
// its own. Per neuron the bits are those of `snn_kernels::Mpbn` for the same statistics; those are sums in `double`, in another order.
//
// Bytes per neuron and step, f32; SpikingJelly's are a batch normalisation of torch's and three more operations a step:
//
//               | reads                             | writes                     | bytes
//      forward  | x, v; h; h                        | h; y, v                    |    28
//      backward | x, v; h, grad_y, grad_v; grad_v, h | h, v; grad_v; grad_x, grad_v |    48
#pragma once

#include "firing.cuh"
#include "sum.cuh"

namespace snn {

template <typename F, typename E> struct Mpbn {
    const E* x;                     // [steps, samples, channels, plane]
    const F* v0;                    // a step, or null for rest
    const F* threshold;             // [thresholds]
    const F* weight;                // [channels], or null: no normalisation
    const F* bias;                  // [channels]
    const F* mean;                  // [channels], or null: statistics of the batch
    const F* var;                   // [channels]
    E* y;                           // as x
    F* v;                           // a step: the last potential; backward: room for the potentials
    F* v_seq;                       // as x, or null
    double* statistics;             // [steps, channels, 2]: mean and biased variance that were used; without normalisation null
    const E* grad_y;                // as x, or null for 0
    F* grad_v;                      // a step: dL/d(last potential), turned into dL/d(first potential)
    F* h;                           // as x: room for the charged potentials
    E* grad_x;                      // as x, or null
    double* grad_channels;          // [3, channels]: of weight, bias and threshold
    Fires<F> fires;
    double tau, v_reset, eps;
    unsigned steps, samples, channels, plane;
    unsigned thresholds;            // one for each channel, or one
    unsigned decay_input, soft, detach_reset;
};

// Where a thread works: neurons k, k + stride, .. of its channel.
template <int VEC, int CHANNELS> struct Seat {
    unsigned channel, first, stride;
    SNN_DEVICE Seat()
        : channel(blockIdx.x * CHANNELS + threadIdx.x % CHANNELS), first(threadIdx.x / CHANNELS * VEC), stride(SUM_THREADS / CHANNELS * VEC) {}
};

template <typename Fire, typename F, typename E, int VEC, int CHANNELS> struct Potentials {
    const Mpbn<F, E>& call;
    const Seat<VEC, CHANNELS> seat;
    const unsigned channel;         // one that there is
    const unsigned values;          // of a channel in a step: none where there is no channel
    const F tau, rest, threshold;

    SNN_DEVICE explicit Potentials(const Mpbn<F, E>& call)
        : call(call),
          channel(seat.channel < call.channels ? seat.channel : 0),
          values(seat.channel < call.channels ? call.samples * call.plane : 0),
          tau(F(call.tau)),
          rest(F(call.v_reset)),
          threshold(call.threshold[call.thresholds == 1 ? 0 : channel]) {}

    // Where neuron k of the channel is in a step.
    SNN_DEVICE size_t at(unsigned k) const { return ((size_t)(k / call.plane) * call.channels + channel) * call.plane + k % call.plane; }
    SNN_DEVICE size_t step(unsigned t) const { return (size_t)t * call.samples * call.channels * call.plane; }

    // The potential before the first step, to its room.
    SNN_DEVICE void start() const {
        for (unsigned k = seat.first; k < values; k += seat.stride) {
            F v[VEC];
            load(v, call.v0 + at(k), VEC > 1, call.v0 ? VEC : 0);
#pragma unroll
            for (int i = 0; i < VEC; i++) v[i] = call.v0 ? v[i] : rest;
            store(v, call.v + at(k), VEC > 1, VEC);
        }
    }
    SNN_DEVICE void charge(unsigned t, unsigned k, F (&h)[VEC]) const {
        F x[VEC], v[VEC];
        load(x, call.x + step(t) + at(k), VEC > 1, VEC);
        load(v, (const F*)call.v + at(k), VEC > 1, VEC);
#pragma unroll
        for (int i = 0; i < VEC; i++) {
            const F away = sub(v[i], rest);
            h[i] = call.decay_input ? add(v[i], div(sub(x[i], away), tau)) : add(sub(v[i], div(away, tau)), x[i]);
        }
    }

    // Spikes of the normalised potentials at k.
    SNN_DEVICE void spikes(unsigned t, unsigned k, const F (&y)[VEC], F (&over)[VEC], F (&s)[VEC]) const {
#pragma unroll
        for (int i = 0; i < VEC; i++) over[i] = sub(y[i], threshold);
        if constexpr (Fire::DRAWS) {
            // A channel's draws are numbered one after the other, and it may start anywhere.
#pragma unroll
            for (int i = 0; i < VEC; i++) {
                const F one[1] = {over[i]};
                F spike[1];
                call.fires.template spikes<Fire>(channel * values + k + i, t, one, spike);
                s[i] = spike[0];
            }
        } else {
            call.fires.template spikes<Fire>(k, t, over, s);
        }
    }
    SNN_DEVICE void reset(const F (&y)[VEC], const F (&s)[VEC], F (&v)[VEC]) const {
#pragma unroll
        for (int i = 0; i < VEC; i++) {
            v[i] = call.soft ? sub(y[i], mul(s[i], threshold)) : add(mul(s[i], rest), mul(sub(F(1), s[i]), y[i]));
        }
    }
};

// The normalisation of a channel as one product and one sum, and what the way back needs of it.
template <typename F> struct Affine {
    F scale, shift, mean, inverse;
    SNN_DEVICE Affine(double of_mean, double of_var, double eps, F weight, F bias) {
        const double of_inverse = div(1.0, sqrt(add(of_var, eps))), by = mul(of_inverse, double(weight));
        scale = F(by);
        shift = F(sub(double(bias), mul(of_mean, by)));
        mean = F(of_mean);
        inverse = F(of_inverse);
    }
    SNN_DEVICE Affine() : scale(F(1)), shift(F(0)), mean(F(0)), inverse(F(1)) {}
};

template <typename Fire, typename F, typename E, int VEC, int CHANNELS> SNN_DEVICE void mpbn(const Mpbn<F, E>& call) {
    SNN_SHARED(double, shared, SUM_THREADS);
    const Potentials<Fire, F, E, VEC, CHANNELS> block(call);
    const auto& seat = block.seat;
    const double count = double(call.samples * call.plane);
    block.start();
    for (unsigned t = 0; t < call.steps; t++) {
        double sum = 0.0;
        for (unsigned k = seat.first; k < block.values; k += seat.stride) {
            F h[VEC];
            block.charge(t, k, h);
            store(h, call.v + block.at(k), VEC > 1, VEC);
#pragma unroll
            for (int i = 0; i < VEC; i++) sum = add(sum, double(h[i]));
        }
        double mean = 0.0, var = 0.0;
        if (call.weight && call.mean) {
            mean = double(call.mean[block.channel]);
            var = double(call.var[block.channel]);
        } else if (call.weight) {
            mean = div(block_sum<CHANNELS>(sum, shared), count);
            const F centre = F(mean);
            double squares = 0.0;
            for (unsigned k = seat.first; k < block.values; k += seat.stride) {
                F h[VEC];
                load(h, (const F*)call.v + block.at(k), VEC > 1, VEC);
#pragma unroll
                for (int i = 0; i < VEC; i++) {
                    const F away = sub(h[i], centre);
                    squares = add(squares, double(mul(away, away)));
                }
            }
            var = div(block_sum<CHANNELS>(squares, shared), count);
        }
        const Affine<F> by =
            call.weight ? Affine<F>(mean, var, call.eps, call.weight[block.channel], call.bias[block.channel]) : Affine<F>();
        for (unsigned k = seat.first; k < block.values; k += seat.stride) {
            F h[VEC], over[VEC], s[VEC], v[VEC];
            load(h, (const F*)call.v + block.at(k), VEC > 1, VEC);
            if (call.weight) {
#pragma unroll
                for (int i = 0; i < VEC; i++) h[i] = add(mul(h[i], by.scale), by.shift);
            }
            block.spikes(t, k, h, over, s);
            block.reset(h, s, v);
            store(s, call.y + block.step(t) + block.at(k), VEC > 1, VEC);
            store(v, call.v + block.at(k), VEC > 1, VEC);
            if (call.v_seq) store(v, call.v_seq + block.step(t) + block.at(k), VEC > 1, VEC);
        }
        if (call.statistics && block.values > 0 && seat.first == 0) {
            double* used = call.statistics + ((size_t)t * call.channels + block.channel) * 2;
            used[0] = mean;
            used[1] = var;
        }
    }
}

template <typename Fire, typename F, typename E, int VEC, int CHANNELS> SNN_DEVICE void mpbn_backward(const Mpbn<F, E>& call) {
    SNN_SHARED(double, shared, SUM_THREADS);
    const Potentials<Fire, F, E, VEC, CHANNELS> block(call);
    const auto& seat = block.seat;
    const double count = double(call.samples * call.plane);
    const auto affine = [&](unsigned t) {
        if (!call.weight) return Affine<F>();
        const double* used = call.statistics + ((size_t)t * call.channels + block.channel) * 2;
        return Affine<F>(used[0], used[1], call.eps, call.weight[block.channel], call.bias[block.channel]);
    };
    // The forward pass again: statistics are known.
    block.start();
    for (unsigned t = 0; t < call.steps; t++) {
        const Affine<F> by = affine(t);
        for (unsigned k = seat.first; k < block.values; k += seat.stride) {
            F h[VEC], over[VEC], s[VEC], v[VEC];
            block.charge(t, k, h);
            store(h, call.h + block.step(t) + block.at(k), VEC > 1, VEC);
            if (call.weight) {
#pragma unroll
                for (int i = 0; i < VEC; i++) h[i] = add(mul(h[i], by.scale), by.shift);
            }
            block.spikes(t, k, h, over, s);
            block.reset(h, s, v);
            store(v, call.v + block.at(k), VEC > 1, VEC);
        }
    }

    double of_weight = 0.0, of_bias = 0.0, of_threshold = 0.0;
    for (unsigned t = call.steps; t-- > 0;) {
        const Affine<F> by = affine(t);
        double weight = 0.0, bias = 0.0;
        for (unsigned k = seat.first; k < block.values; k += seat.stride) {
            F h[VEC], y[VEC], over[VEC], s[VEC], grad[VEC], grad_v[VEC];
            load(h, (const F*)call.h + block.step(t) + block.at(k), VEC > 1, VEC);
#pragma unroll
            for (int i = 0; i < VEC; i++) y[i] = call.weight ? add(mul(h[i], by.scale), by.shift) : h[i];
            block.spikes(t, k, y, over, s);
            load(grad, call.grad_y + block.step(t) + block.at(k), VEC > 1, call.grad_y ? VEC : 0);
            load(grad_v, (const F*)call.grad_v + block.at(k), VEC > 1, VEC);
#pragma unroll
            for (int i = 0; i < VEC; i++) {
                const F jump = call.soft ? -block.threshold : sub(block.rest, y[i]);
                const F back = call.detach_reset ? F(0) : mul(grad_v[i], jump);
                const F fired = mul(Fire::slope(call.fires.surrogate, over[i]), add(grad[i], back));
                of_threshold = sub(of_threshold, double(fired));
                if (call.soft) of_threshold = sub(of_threshold, double(mul(grad_v[i], s[i])));
                const F of_y = add(fired, call.soft ? grad_v[i] : mul(grad_v[i], sub(F(1), s[i])));
                bias = add(bias, double(of_y));
                weight = add(weight, double(mul(of_y, mul(sub(h[i], by.mean), by.inverse))));
                grad_v[i] = of_y;
            }
            store(grad_v, call.grad_v + block.at(k), VEC > 1, VEC);
        }
        F scale = F(1), less_bias = F(0), less_weight = F(0);
        if (call.weight) {
            weight = block_sum<CHANNELS>(weight, shared);
            bias = block_sum<CHANNELS>(bias, shared);
            of_weight = add(of_weight, weight);
            of_bias = add(of_bias, bias);
            scale = mul(call.weight[block.channel], by.inverse);
            less_bias = F(div(bias, count));
            less_weight = F(div(weight, count));
        }
        for (unsigned k = seat.first; k < block.values; k += seat.stride) {
            F h[VEC], grad[VEC], leak[VEC];
            load(grad, (const F*)call.grad_v + block.at(k), VEC > 1, VEC);
            load(h, (const F*)call.h + block.step(t) + block.at(k), VEC > 1, VEC);
#pragma unroll
            for (int i = 0; i < VEC; i++) {
                if (call.weight && call.mean) {
                    grad[i] = mul(grad[i], scale);
                } else if (call.weight) {
                    const F unit = mul(sub(h[i], by.mean), by.inverse);
                    grad[i] = mul(scale, sub(sub(grad[i], less_bias), mul(unit, less_weight)));
                }
                leak[i] = div(grad[i], block.tau);
            }
            if (call.grad_x) store(call.decay_input ? leak : grad, call.grad_x + block.step(t) + block.at(k), VEC > 1, VEC);
#pragma unroll
            for (int i = 0; i < VEC; i++) grad[i] = sub(grad[i], leak[i]);
            store(grad, call.grad_v + block.at(k), VEC > 1, VEC);
        }
    }
    of_threshold = block_sum<CHANNELS>(of_threshold, shared);
    if (block.values > 0 && seat.first == 0) {
        call.grad_channels[block.channel] = of_weight;
        call.grad_channels[call.channels + block.channel] = of_bias;
        call.grad_channels[2 * call.channels + block.channel] = of_threshold;
    }
}

}  // namespace snn
