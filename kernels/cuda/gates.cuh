// A step of a recurrent cell whose gates spike, forward and backward. In: what weights make of the input and of the last output; out: the next
// output, gradients. The products with weights are libtorch's.
//
// A thread has VEC neighbouring numbers of a sample. Per number the bits are those of `snn_kernels::Gates`. Bytes of f32, forward / backward, with g
// gates: LSTM (4) 8 g + 12 / 16 g + 28, GRU (3) 8 g + 8 / 16 g + 16, vanilla (1) 8 g + 4 / 16 g + 12. SpikingJelly's are operations of torch.
#pragma once

#include "firing.cuh"

namespace snn {

enum Cell { LSTM, GRU, VANILLA };

template <typename F> struct Gates {
    const F* ih;                    // [samples, gates * hidden]: W x + b
    const F* hh;                    // the same of the last output
    const F* h;                     // [samples, hidden]: the last output
    const F* c;                     // [samples, hidden]: the last memory of an LSTM
    F* next_h;                      // [samples, hidden]
    F* next_c;                      // [samples, hidden]; backward it is read
    const F* grad_y;                // [samples, hidden]: of this step's output by what is above it; or null for 0
    F* grad_h;                      // [samples, hidden]: of the output by the next step; becomes that of the last output, without what flows through hh
    F* grad_c;                      // [samples, hidden]: the same of the memory
    F* grad_ih;                     // as ih
    F* grad_hh;                     // as hh
    Fires<F> fires[2];              // of gates, and of the content
    unsigned samples, hidden;
    unsigned wide;                  // do all rows lie so that VEC elements are one access?
    unsigned padding;
};

template <int CELL, bool APART, typename Fire, typename Content, typename F, int VEC> struct Row {
    static constexpr int GATES = CELL == LSTM ? 4 : CELL == GRU ? 3 : 1;
    const Gates<F>& call;
    const Lanes<VEC> lanes;
    F in[GATES][VEC], value[GATES][VEC];    // what arrives at the gates' functions, and what they make of it
    F hh[VEC];                              // of the content

    SNN_DEVICE size_t gate(int n) const { return ((size_t)lanes.row * GATES + n) * call.hidden + lanes.first; }
    SNN_DEVICE size_t at() const { return (size_t)lanes.row * call.hidden + lanes.first; }
    SNN_DEVICE void get(F (&to)[VEC], const F* from, size_t place) const { load(to, from + place, call.wide, lanes.left); }
    SNN_DEVICE void put(const F (&values)[VEC], F* to, size_t place) const { store(values, to + place, call.wide, lanes.left); }

    template <typename By> SNN_DEVICE void spikes(const Fires<F>& fires, size_t element, const F (&over)[VEC], F (&out)[VEC]) const {
        if constexpr (By::DRAWS) {
            // Rows may start anywhere.
#pragma unroll
            for (int k = 0; k < VEC; k++) {
                const F one[1] = {over[k]};
                F spike[1];
                fires.template spikes<By>((unsigned)element + k, 0, one, spike);
                out[k] = spike[0];
            }
        } else {
            fires.template spikes<By>((unsigned)element, 0, over, out);
        }
    }

    SNN_DEVICE explicit Row(const Gates<F>& call) : call(call), lanes(call.samples, call.hidden) {
        constexpr int CONTENT = CELL == VANILLA ? 0 : 2;
#pragma unroll
        for (int n = 0; n < GATES; n++) {
            F ih[VEC], of_h[VEC];
            get(ih, call.ih, gate(n));
            get(of_h, call.hh, gate(n));
#pragma unroll
            for (int k = 0; k < VEC; k++) {
                // r comes before what it acts on.
                const F seen = CELL == GRU && n == CONTENT ? mul(value[0][k], of_h[k]) : of_h[k];
                in[n][k] = add(ih[k], seen);
                if (n == CONTENT) hh[k] = of_h[k];
            }
            if (APART && n == CONTENT) spikes<Content>(call.fires[1], at(), in[n], value[n]);
            else spikes<Fire>(call.fires[0], gate(n), in[n], value[n]);
        }
    }

    SNN_DEVICE F slope(int n, int k) const {
        if (APART && n == (CELL == VANILLA ? 0 : 2)) return Content::slope(call.fires[1].surrogate, in[n][k]);
        return Fire::slope(call.fires[0].surrogate, in[n][k]);
    }
};

template <int CELL, bool APART, typename Fire, typename Content, typename F, int VEC> SNN_DEVICE void gates(const Gates<F>& call) {
    const Row<CELL, APART, Fire, Content, F, VEC> row(call);
    F next[VEC];
    if constexpr (CELL == VANILLA) {
#pragma unroll
        for (int k = 0; k < VEC; k++) next[k] = row.value[0][k];
    } else if constexpr (CELL == GRU) {
        F h[VEC];
        row.get(h, call.h, row.at());
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F z = row.value[1][k];
            next[k] = add(mul(sub(F(1), z), row.value[2][k]), mul(z, h[k]));
        }
    } else {
        F c[VEC];
        row.get(c, call.c, row.at());
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F full = add(mul(c[k], row.value[1][k]), mul(row.value[0][k], row.value[2][k]));
            c[k] = full > F(1) ? F(1) : full;
            next[k] = mul(c[k], row.value[3][k]);
        }
        row.put(c, call.next_c, row.at());
    }
    row.put(next, call.next_h, row.at());
}

template <int CELL, bool APART, typename Fire, typename Content, typename F, int VEC> SNN_DEVICE void gates_backward(const Gates<F>& call) {
    typedef Row<CELL, APART, Fire, Content, F, VEC> Of;
    const Of row(call);
    F grad_h[VEC], grad_y[VEC], of_ih[Of::GATES][VEC], of_hh[Of::GATES][VEC];
    row.get(grad_h, call.grad_h, row.at());
    load(grad_y, call.grad_y + row.at(), call.wide, call.grad_y ? row.lanes.left : 0);
    if (call.grad_y) {
#pragma unroll
        for (int k = 0; k < VEC; k++) grad_h[k] = add(grad_h[k], grad_y[k]);
    }
    if constexpr (CELL == VANILLA) {
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            of_ih[0][k] = of_hh[0][k] = mul(grad_h[k], row.slope(0, k));
            grad_h[k] = F(0);
        }
    } else if constexpr (CELL == GRU) {
        F h[VEC];
        row.get(h, call.h, row.at());
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F r = row.value[0][k], z = row.value[1][k], n = row.value[2][k];
            const F dn = mul(mul(grad_h[k], sub(F(1), z)), row.slope(2, k));
            of_ih[0][k] = of_hh[0][k] = mul(mul(dn, row.hh[k]), row.slope(0, k));
            of_ih[1][k] = of_hh[1][k] = mul(mul(grad_h[k], sub(h[k], n)), row.slope(1, k));
            of_ih[2][k] = dn;
            of_hh[2][k] = mul(dn, r);
            grad_h[k] = mul(grad_h[k], z);
        }
    } else {
        F c[VEC], next_c[VEC], grad_c[VEC];
        row.get(c, call.c, row.at());
        row.get(next_c, call.next_c, row.at());
        row.get(grad_c, call.grad_c, row.at());
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const F dc = add(grad_c[k], mul(grad_h[k], row.value[3][k]));
            const F d[4] = {mul(dc, row.value[2][k]), mul(dc, c[k]), mul(dc, row.value[0][k]), mul(grad_h[k], next_c[k])};
#pragma unroll
            for (int n = 0; n < 4; n++) of_ih[n][k] = of_hh[n][k] = mul(d[n], row.slope(n, k));
            grad_c[k] = mul(dc, row.value[1][k]);
            grad_h[k] = F(0);
        }
        row.put(grad_c, call.grad_c, row.at());
    }
    row.put(grad_h, call.grad_h, row.at());
#pragma unroll
    for (int n = 0; n < Of::GATES; n++) {
        row.put(of_ih[n], call.grad_ih, row.gate(n));
        row.put(of_hh[n], call.grad_hh, row.gate(n));
    }
}

}  // namespace snn
