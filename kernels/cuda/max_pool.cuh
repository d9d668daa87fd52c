// Max pools over planes, forward and backward. In: planes; out: the largest value of each window and which of its cells that was, a byte each;
// and the gradient of the planes.
//
// Of equal values the first wins, row by row; NaN is larger than all: the bits of `snn_kernels::max_pool`. The backward pass looks from each cell
// at the windows over it, in their order, so that nothing is added by two threads.
//
// Bytes per window of 2 x 2, f32, beside torch's (which keeps x and an index of 8 bytes per window; SpikingJelly's pools are torch's):
//
//               | reads             | writes          | bytes | torch
//      forward  | 4 cells           | y, a byte       |    21 | 28
//      backward | grad_y, a byte    | 4 cells         |    21 | 28
//
// Kept for the backward pass: a byte per window, where torch keeps 24.
#pragma once

#include "memory.cuh"

namespace snn {

template <typename E> struct MaxPool {
    const E* x;                     // [planes, height, width]
    E* y;                           // [planes, rows, columns]
    unsigned char* places;          // as y; forward: or null
    const E* grad_y;                // as y
    E* grad_x;                      // as x
    unsigned planes, height, width, rows, columns;
    unsigned tall, broad;           // cells of a window
    unsigned down, right;           // from one window to the next
    unsigned above, before;         // cells of padding
    unsigned paired;                // are windows 2 x 2, side by side over the whole plane, and VEC of them one access of each row?
};

template <typename F> SNN_DEVICE void best(F x, unsigned place, F& y, unsigned& at) {
    const bool wins = x > y || x != x;
    y = wins ? x : y;
    at = wins ? place : at;
}

// VEC windows if they are pairs, else one.
template <typename F, typename E, int VEC> SNN_DEVICE void max_pool(const MaxPool<E>& call) {
    const unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned row_of = call.paired ? call.columns / VEC : call.columns;
    const unsigned long long row = i / row_of;                      // of all planes
    const unsigned column = (unsigned)(i % row_of);
    if (row >= (unsigned long long)call.planes * call.rows) return;
    if (call.paired) {
        const E* x = call.x + row * 2 * call.width + column * 2 * VEC;
        F above[2][VEC], below[2][VEC], y[VEC];
        Pack<unsigned char, VEC> places;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            load(above[half], x + half * VEC, true, VEC);
            load(below[half], x + call.width + half * VEC, true, VEC);
        }
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const int half = 2 * k / VEC, j = 2 * k % VEC;
            unsigned at = 0;
            y[k] = above[half][j];
            best(above[half][j + 1], 1, y[k], at);
            best(below[half][j], 2, y[k], at);
            best(below[half][j + 1], 3, y[k], at);
            places.of[k] = (unsigned char)at;
        }
        const unsigned long long window = row * call.columns + column * VEC;
        store(y, call.y + window, true, VEC);
        if (call.places) *reinterpret_cast<Pack<unsigned char, VEC>*>(call.places + window) = places;
        return;
    }
    const unsigned plane = (unsigned)(row / call.rows), top = (unsigned)(row % call.rows) * call.down, left = column * call.right;
    const E* x = call.x + (size_t)plane * call.height * call.width;
    F y = F(0);
    unsigned at = 0;
    bool any = false;
    for (unsigned r = 0; r < call.tall; r++) {
        const unsigned from = top + r - call.above;                 // wraps above the plane
        if (from >= call.height) continue;
        for (unsigned c = 0; c < call.broad; c++) {
            const unsigned across = left + c - call.before;
            if (across >= call.width) continue;
            const F value = widen(x[(size_t)from * call.width + across]);
            const unsigned place = r * call.broad + c;
            if (any) best(value, place, y, at);
            else y = value, at = place, any = true;
        }
    }
    const unsigned long long window = row * call.columns + column;
    narrow(y, call.y[window]);
    if (call.places) call.places[window] = (unsigned char)at;
}

// The cells of VEC windows if they are pairs, else one cell.
template <typename F, typename E, int VEC> SNN_DEVICE void max_pool_backward(const MaxPool<E>& call) {
    const unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (call.paired) {
        const unsigned row_of = call.columns / VEC, column = (unsigned)(i % row_of);
        const unsigned long long row = i / row_of;
        if (row >= (unsigned long long)call.planes * call.rows) return;
        const unsigned long long window = row * call.columns + column * VEC;
        F grad[VEC], cells[2][2][VEC];
        load(grad, call.grad_y + window, true, VEC);
        const Pack<unsigned char, VEC> places = *reinterpret_cast<const Pack<unsigned char, VEC>*>(call.places + window);
#pragma unroll
        for (int k = 0; k < VEC; k++) {
            const int half = 2 * k / VEC, j = 2 * k % VEC;
#pragma unroll
            for (int place = 0; place < 4; place++) {
                cells[place / 2][half][j + place % 2] = places.of[k] == place ? add(F(0), grad[k]) : F(0);
            }
        }
        E* to = call.grad_x + row * 2 * call.width + column * 2 * VEC;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            store(cells[0][half], to + half * VEC, true, VEC);
            store(cells[1][half], to + call.width + half * VEC, true, VEC);
        }
        return;
    }
    const unsigned long long row = i / call.width;                  // of all planes
    if (row >= (unsigned long long)call.planes * call.height) return;
    const unsigned plane = (unsigned)(row / call.height);
    const unsigned r = (unsigned)(row % call.height) + call.above, c = (unsigned)(i % call.width) + call.before;
    const size_t windows = (size_t)plane * call.rows * call.columns;
    F sum = F(0);
    for (unsigned o = r >= call.tall ? (r - call.tall) / call.down + 1 : 0; o * call.down <= r && o < call.rows; o++) {
        for (unsigned p = c >= call.broad ? (c - call.broad) / call.right + 1 : 0; p * call.right <= c && p < call.columns; p++) {
            const size_t window = windows + (size_t)o * call.columns + p;
            if (call.places[window] == (r - o * call.down) * call.broad + (c - p * call.right)) {
                sum = add(sum, F(widen(call.grad_y[window])));
            }
        }
    }
    narrow(sum, call.grad_x[i]);
}

}  // namespace snn
