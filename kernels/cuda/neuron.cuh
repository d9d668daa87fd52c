// A layer of neurons over all its steps, forward and backward. In: currents and first states; out: spikes, last states, gradients.
//
// A thread has VEC neighbouring neurons and walks all steps with their states in registers. The inputs of a segment of SEG steps are loaded
// before its first step, so that many loads are in flight. Per neuron the bits are those of `snn_kernels::forward` and `backward`.
//
// Bytes per neuron and step, f32, beside SpikingJelly's kernels for the same work (which write the charged potential h for the backward
// pass; with `store_v_seq` both write 4 more):
//
//               | reads                         | writes                    | bytes | SpikingJelly
//      forward  | x                             | y                         |     8 | 12: x; s, h
//      forward, x the same at every step        | y                         |     4 | 12
//      forward, bits of spikes instead of y: x  | a bit                     |   4.1 | 12
//      backward, at most SEG steps: x, grad_y   | grad_x                    |    12 | 16: h, s, grad_s; grad_x
//      backward, more steps: x twice, grad_y    | grad_x, 8 / SEG of states |  16 + 8 / SEG per state | 16
//
// Nothing is saved by the forward pass: a batch normalisation in front of the neurons costs no byte more (as two layers 20 forward), and x
// is what autograd holds anyhow. With 16-bit elements all of these halve, except the states.
#pragma once

#include "bits.cuh"
#include "firing.cuh"

namespace snn {

constexpr int MAX_STATES = 4, MAX_CONSTANTS = 16;

// No array of C++ is empty.
SNN_DEVICE constexpr int room(int n) { return n > 0 ? n : 1; }

// The channels of a layer: element i of a step belongs to channel (i / inner) % count.
struct Channels {
    unsigned count, inner;
    SNN_DEVICE unsigned of(unsigned element) const { return element / inner % count; }
};

// What both passes read. F: the type of states and arithmetic; E: that of x, y and their gradients.
template <typename F, typename E> struct Pass {
    const E* x;                     // [steps, neurons], or [neurons] if fixed
    const F* scale;                 // [scaled.count]: what the neurons see is x scale + shift; or null
    const F* shift;                 // [scaled.count]
    const F* start[MAX_STATES];     // [neurons] each; null: where the neuron starts
    const F* own;                   // [owned.count, MAX_CONSTANTS + MAX_STATES]: constants and first states, if channels have their own
    F constants[MAX_CONSTANTS];     // if they do not
    F starts[MAX_STATES];
    F surrogate[MAX_SURROGATE_CONSTANTS];
    Channels scaled, owned;
    Draw draw;
    unsigned neurons, steps;
    unsigned fixed;                 // is x the same at every step?
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
};

template <typename F, typename E> struct ForwardOut {
    E* y;                           // [steps, neurons], or null
    unsigned* bits;                 // [steps, (neurons + 31) / 32]: spikes of 0 and 1 as bits, or null
    F* states[MAX_STATES];          // [neurons] each
    F* sequences[MAX_STATES];       // [steps, neurons], or null
};

template <typename F, typename E> struct BackwardOut {
    const E* grad_y;                // [steps, neurons], or null for 0
    const F* grad_states[MAX_STATES];  // [neurons] each, or null for 0
    E* grad_x;                      // as x, or null
    F* grad_start[MAX_STATES];      // [neurons] each, or null
    F* grad_scale;                  // [2, neurons]: of scale and shift, summed over the steps; or null
    F* grad_constants;              // [LEARNED_CONSTANTS, neurons], summed over the steps; or null
    F* checkpoints;                 // [(steps - 1) / SEG, STATES, neurons]: states before segments; null if there is one segment
};

// A neuron that hears what it sent a step ago, joined with its input: `snn_kernels::Feedback`. Its last state is what it sent.
enum Join { ADD, MUL, SUB, MAX };

template <typename N, typename F, Join JOIN> struct Feedback {
    static constexpr int Y = N::STATES, STATES = N::STATES + 1, CONSTANTS = N::CONSTANTS, LEARNED_CONSTANTS = N::LEARNED_CONSTANTS;
    static constexpr int FIRES = N::FIRES, KEPT = N::KEPT;

    SNN_DEVICE static F joined(F y, F x) {
        return JOIN == ADD ? add(y, x) : JOIN == MUL ? mul(y, x) : JOIN == SUB ? sub(y, x) : y > x ? y : x;
    }
    SNN_DEVICE static void charge(const F* c, const F* s, F x, F* over, F* kept) { N::charge(c, s, joined(s[Y], x), over, kept); }
    SNN_DEVICE static void finish(const F* c, const F* s, F x, const F* kept, const F* spikes, F* next, F* y) {
        N::finish(c, s, joined(s[Y], x), kept, spikes, next, y);
        next[Y] = *y;
    }
    SNN_DEVICE static void adjoint(const F* c, const F* s, F x, const F* kept, const F* spikes, const F* slopes, F grad_y,
                                   const F* grad_states, F* grad_x, F* grad_s, F* grad_c) {
        const F sent = add(grad_y, grad_states[Y]);
        N::adjoint(c, s, joined(s[Y], x), kept, spikes, slopes, sent, grad_states, grad_x, grad_s, grad_c);
        const F y = s[Y], equal = y == x || y != y || x != x ? F(0.5) : F(0);
        const F by_y = JOIN == MUL ? x : JOIN == MAX ? (y > x ? F(1) : equal) : F(1);
        const F by_x = JOIN == MUL ? y : JOIN == MAX ? (x > y ? F(1) : equal) : JOIN == SUB ? F(-1) : F(1);
        grad_s[Y] = mul(*grad_x, by_y);
        *grad_x = mul(*grad_x, by_x);
    }
};

// VEC neurons of a thread. N: the neuron; Fire: its `Firing`; OWN: have channels constants of their own?
template <typename N, typename Fire, typename F, typename E, int VEC, bool OWN> struct Block {
    const Pass<F, E>& pass;
    const Lanes<VEC> lanes;
    const unsigned element;         // the first neuron
    const int left;                 // how many of the VEC there are
    F scale[VEC], shift[VEC];
    F constants[OWN ? VEC : 1][room(N::CONSTANTS)];

    SNN_DEVICE explicit Block(const Pass<F, E>& pass)
        : pass(pass), lanes(pass.neurons), element(lanes.first), left(lanes.left) {
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            if (pass.scale) {
                const unsigned channel = pass.scaled.of(element + k);
                scale[k] = pass.scale[channel];
                shift[k] = pass.shift[channel];
            }
            if (OWN) {
#pragma unroll
                for (int i = 0; i < N::CONSTANTS; i++) constants[k][i] = own(k)[i];
            }
        }
    }

    SNN_DEVICE const F* own(int k) const { return pass.own + pass.owned.of(element + k) * (MAX_CONSTANTS + MAX_STATES); }
    SNN_DEVICE const F* c(int k) const { return OWN ? constants[k] : pass.constants; }
    SNN_DEVICE size_t at(unsigned t) const { return (size_t)t * pass.neurons + element; }

    SNN_DEVICE void start(F (&s)[VEC][room(N::STATES)]) const {
#pragma unroll
        for (int i = 0; i < N::STATES; i++) {
            F row[VEC];
            if (pass.start[i]) {
                load(row, pass.start[i] + element, pass.wide, left);
            } else {
#pragma unroll
                for (int k = 0; k < VEC; k++) row[k] = OWN ? own(k)[MAX_CONSTANTS + i] : pass.starts[i];
            }
#pragma unroll
            for (int k = 0; k < VEC; k++) s[k][i] = row[k];
        }
    }

    SNN_DEVICE void input(F (&x)[VEC], unsigned t) const { load(x, pass.x + at(pass.fixed ? 0 : t), pass.wide, left); }

    // What the neuron sees instead of x.
    SNN_DEVICE F scaled(F x, int k) const { return pass.scale ? add(mul(x, scale[k]), shift[k]) : x; }

    SNN_DEVICE void row(const F (&s)[VEC][room(N::STATES)], int i, F* to, size_t at) const {
        F values[VEC];
#pragma unroll
        for (int k = 0; k < VEC; k++) values[k] = s[k][i];
        store(values, to + at, pass.wide, left);
    }

    // Up to the spikes of step t.
    struct Charged {
        F over[room(N::FIRES)][VEC], kept[VEC][room(N::KEPT)], spikes[VEC][room(N::FIRES)];
    };

    SNN_DEVICE void charge(const F (&s)[VEC][room(N::STATES)], const F (&x)[VEC], unsigned t, Charged& out) const {
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            F over[room(N::FIRES)];
            N::charge(c(k), s[k], scaled(x[k], k), over, out.kept[k]);
#pragma unroll
            for (int i = 0; i < N::FIRES; i++) out.over[i][k] = over[i];
        }
#pragma unroll
        for (int i = 0; i < N::FIRES; i++) {
            F spikes[VEC];
            fire<Fire>(pass.surrogate, pass.draw, element, t * N::FIRES + i, out.over[i], spikes);
#pragma unroll
            for (int k = 0; k < VEC; k++) out.spikes[k][i] = spikes[k];
        }
    }

    // One step: the states move on.
    SNN_DEVICE void step(F (&s)[VEC][room(N::STATES)], const F (&x)[VEC], unsigned t, F (&y)[VEC]) const {
        Charged charged;
        charge(s, x, t, charged);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            F next[room(N::STATES)];
            N::finish(c(k), s[k], scaled(x[k], k), charged.kept[k], charged.spikes[k], next, &y[k]);
#pragma unroll
            for (int i = 0; i < N::STATES; i++) s[k][i] = next[i];
        }
    }
};

template <typename N, typename Fire, typename F, typename E, int VEC, int SEG, bool OWN>
SNN_DEVICE void forward(const Pass<F, E>& pass, const ForwardOut<F, E>& out) {
    const Block<N, Fire, F, E, VEC, OWN> block(pass);
    F s[VEC][room(N::STATES)];
    block.start(s);
    for (unsigned first = 0; first < pass.steps; first += SEG) {
        F x[SEG][VEC];
#pragma unroll
        for (int j = 0; j < SEG; j++) {
            if (first + j < pass.steps) block.input(x[j], first + j);
        }
#pragma unroll
        for (int j = 0; j < SEG; j++) {
            const unsigned t = first + j;
            if (t >= pass.steps) break;
            F y[VEC];
            block.step(s, x[j], t, y);
            if (out.y) store(y, out.y + block.at(t), pass.wide, block.left);
            if (out.bits) pack(y, out.bits + (size_t)t * ((pass.neurons + 31) / 32), block.element, block.left);
#pragma unroll
            for (int i = 0; i < N::STATES; i++) {
                if (out.sequences[i]) block.row(s, i, out.sequences[i], block.at(t));
            }
        }
    }
#pragma unroll
    for (int i = 0; i < N::STATES; i++) block.row(s, i, out.states[i], block.element);
}

template <typename N, typename Fire, typename F, typename E, int VEC, int SEG, bool OWN>
SNN_DEVICE void backward(const Pass<F, E>& pass, const BackwardOut<F, E>& out) {
    const Block<N, Fire, F, E, VEC, OWN> block(pass);
    const size_t neurons = pass.neurons;
    const unsigned segments = (pass.steps + SEG - 1) / SEG;
    F s[VEC][room(N::STATES)], y[VEC];

    // More steps than registers hold: the states before each segment but the first go to memory.
    if (segments > 1) {
        block.start(s);
        for (unsigned segment = 1; segment < segments; segment++) {
            F x[SEG][VEC];
#pragma unroll
            for (int j = 0; j < SEG; j++) block.input(x[j], (segment - 1) * SEG + j);
#pragma unroll
            for (int j = 0; j < SEG; j++) block.step(s, x[j], (segment - 1) * SEG + j, y);
#pragma unroll
            for (int i = 0; i < N::STATES; i++) {
                block.row(s, i, out.checkpoints, ((segment - 1) * N::STATES + i) * neurons + block.element);
            }
        }
    }

    F grad_states[VEC][room(N::STATES)], sums[VEC][room(N::LEARNED_CONSTANTS)], fixed[VEC], of_scale[2][VEC];
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        fixed[k] = of_scale[0][k] = of_scale[1][k] = F(0);
#pragma unroll
        for (int i = 0; i < N::LEARNED_CONSTANTS; i++) sums[k][i] = F(0);
    }
#pragma unroll
    for (int i = 0; i < N::STATES; i++) {
        F row[VEC];
        load(row, out.grad_states[i] + block.element, pass.wide, out.grad_states[i] ? block.left : 0);
#pragma unroll
        for (int k = 0; k < VEC; k++) grad_states[k][i] = row[k];
    }

    for (unsigned segment = segments; segment-- > 0;) {
        F x[SEG][VEC], grad_y[SEG][VEC], before[SEG][VEC][room(N::STATES)];
#pragma unroll
        for (int j = 0; j < SEG; j++) {
            const unsigned t = segment * SEG + j;
            if (t >= pass.steps) break;
            block.input(x[j], t);
            load(grad_y[j], out.grad_y + block.at(t), pass.wide, out.grad_y ? block.left : 0);
        }
        if (segment == 0) {
            block.start(s);
        } else {
#pragma unroll
            for (int i = 0; i < N::STATES; i++) {
                F row[VEC];
                load(row, out.checkpoints + ((segment - 1) * N::STATES + i) * neurons + block.element, pass.wide, block.left);
#pragma unroll
                for (int k = 0; k < VEC; k++) s[k][i] = row[k];
            }
        }
#pragma unroll
        for (int j = 0; j < SEG; j++) {
            const unsigned t = segment * SEG + j;
            if (t >= pass.steps) break;
#pragma unroll
            for (int k = 0; k < VEC; k++) {
#pragma unroll
                for (int i = 0; i < N::STATES; i++) before[j][k][i] = s[k][i];
            }
            block.step(s, x[j], t, y);
        }
#pragma unroll
        for (int j = SEG - 1; j >= 0; j--) {
            const unsigned t = segment * SEG + j;
            if (t >= pass.steps) continue;
            // Arithmetic is cheaper than more registers.
            typename Block<N, Fire, F, E, VEC, OWN>::Charged charged;
            block.charge(before[j], x[j], t, charged);
            F grad_x[VEC];
#pragma unroll
            for (int k = 0; k < VEC; k++) {
                F slopes[room(N::FIRES)], grad_s[room(N::STATES)], grad_c[room(N::LEARNED_CONSTANTS)];
#pragma unroll
                for (int i = 0; i < N::FIRES; i++) slopes[i] = Fire::slope(pass.surrogate, charged.over[i][k]);
                N::adjoint(block.c(k), before[j][k], block.scaled(x[j][k], k), charged.kept[k], charged.spikes[k], slopes, grad_y[j][k],
                           grad_states[k], &grad_x[k], grad_s, grad_c);
#pragma unroll
                for (int i = 0; i < N::STATES; i++) grad_states[k][i] = grad_s[i];
#pragma unroll
                for (int i = 0; i < N::LEARNED_CONSTANTS; i++) sums[k][i] = add(sums[k][i], grad_c[i]);
                if (pass.scale) {
                    of_scale[0][k] = add(of_scale[0][k], mul(grad_x[k], x[j][k]));
                    of_scale[1][k] = add(of_scale[1][k], grad_x[k]);
                    grad_x[k] = mul(grad_x[k], block.scale[k]);
                }
                fixed[k] = add(fixed[k], grad_x[k]);
            }
            if (out.grad_x && !pass.fixed) store(grad_x, out.grad_x + block.at(t), pass.wide, block.left);
        }
    }

    if (out.grad_x && pass.fixed) store(fixed, out.grad_x + block.element, pass.wide, block.left);
#pragma unroll
    for (int i = 0; i < N::STATES; i++) {
        if (out.grad_start[i]) block.row(grad_states, i, out.grad_start[i], block.element);
    }
    if (out.grad_constants) {
#pragma unroll
        for (int i = 0; i < N::LEARNED_CONSTANTS; i++) {
            F values[VEC];
#pragma unroll
            for (int k = 0; k < VEC; k++) values[k] = sums[k][i];
            store(values, out.grad_constants + i * neurons + block.element, pass.wide, block.left);
        }
    }
    if (out.grad_scale) {
#pragma unroll
        for (int i = 0; i < 2; i++) store(of_scale[i], out.grad_scale + i * neurons + block.element, pass.wide, block.left);
    }
}

}  // namespace snn
