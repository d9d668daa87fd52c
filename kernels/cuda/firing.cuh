// Spikes. In: how far neurons are over their thresholds, and the surrogate function's constants; out: what they send, and the slopes there.
#pragma once

#include "memory.cuh"
#include "philox.cuh"

namespace snn {

constexpr int MAX_SURROGATE_CONSTANTS = 8;

// A surrogate function at work. PLAIN: spikes are 0 or 1, by the sign; DRAWS: they are drawn at random; without SPIKING its primitive is sent.
template <template <typename, unsigned> class S, bool SPIKING, bool IS_PLAIN, bool IS_DRAWN> struct Firing {
    static constexpr bool PLAIN = IS_PLAIN, DRAWS = IS_DRAWN;

    template <typename F> SNN_DEVICE static F spike(const F* c, F over) {
        if constexpr (SPIKING) {
            return S<F, 0>::spike(c, over);
        } else {
            return S<F, 0>::primitive(c, over);
        }
    }
    template <typename F> SNN_DEVICE static F slope(const F* c, F over) {
        return SPIKING ? S<F, 0>::derivative(c, over) : S<F, 0>::slope(c, over);
    }
};

// The spikes of VEC neighbours from `element` on, whose draws are in series `series`.
template <typename Fire, typename F, int VEC>
SNN_DEVICE void fire(const F* c, const Draw& draw, unsigned element, unsigned series, const F (&over)[VEC], F (&spikes)[VEC]) {
    F numbers[VEC];
    if (Fire::DRAWS) uniforms(draw, element, series, numbers);
#pragma unroll
    for (int k = 0; k < VEC; k++) {
        spikes[k] = Fire::DRAWS ? (numbers[k] < over[k] ? F(1) : F(0))
                    : Fire::PLAIN ? (over[k] >= F(0) ? F(1) : F(0))
                                  : Fire::spike(c, over[k]);
    }
}

// What a kernel is told of a surrogate function: its constants, and where its draws are. As large for `float` as for `double`.
template <typename F> struct Fires {
    F surrogate[MAX_SURROGATE_CONSTANTS * sizeof(double) / sizeof(F)];
    Draw draw;

    template <typename Fire, int VEC>
    SNN_DEVICE void spikes(unsigned element, unsigned series, const F (&over)[VEC], F (&out)[VEC]) const {
        fire<Fire>(surrogate, draw, element, series, over, out);
    }
};

}  // namespace snn
