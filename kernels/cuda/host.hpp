// What CUDA C++ gives to the kernels, as plain C++: for the tests, on machines without a GPU. The threads are in `host.cpp`.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }

template <typename To, typename From> inline To snn_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

inline int __float_as_int(float a) { return snn_bits<int>(a); }
inline float __int_as_float(int a) { return snn_bits<float>(a); }
inline long long __double_as_longlong(double a) { return snn_bits<long long>(a); }
inline double __longlong_as_double(long long a) { return snn_bits<double>(a); }

inline int __ffs(int a) { return a == 0 ? 0 : __builtin_ctz((unsigned)a) + 1; }

namespace snn_host {

struct Index { unsigned x, y, z; };

// Where the running thread is.
struct Place { Index thread, block, threads, blocks; };
const Place& place();

// Waits for all threads of the block, which have to come to the same line.
void barrier(int line);

// Waits for the lanes of the warp that `mask` names, which have to come to the same line; gives `value` away and returns what lane `lane` gave.
unsigned exchange(unsigned mask, unsigned value, unsigned lane, int line);

// The block's array of that name (compared by its address), poisoned: bytes of 0xff, which are NaN.
void* shared(const char* name, size_t bytes);

// Runs all threads of all blocks: each is a fiber, and which goes on is drawn from `seed`. What CUDA leaves undefined ends the program.
void launch(const unsigned grid[3], const unsigned block[3], unsigned long long seed, void (*body)(void*), void* context);

unsigned lane();

template <typename... A> struct Call {
    void (*kernel)(A...);
    void** arguments;
    template <size_t... I> void go(std::integer_sequence<size_t, I...>) { kernel(*static_cast<A*>(arguments[I])...); }
    static void body(void* call) { static_cast<Call*>(call)->go(std::index_sequence_for<A...>{}); }
};

// As `cuLaunchKernel`.
template <typename... A>
void launch(void (*kernel)(A...), const unsigned* grid, const unsigned* block, unsigned long long seed, void** arguments) {
    Call<A...> call{kernel, arguments};
    launch(grid, block, seed, &Call<A...>::body, &call);
}

}  // namespace snn_host

#define threadIdx (snn_host::place().thread)
#define blockIdx (snn_host::place().block)
#define blockDim (snn_host::place().threads)
#define gridDim (snn_host::place().blocks)
#define __syncthreads() snn_host::barrier(__LINE__)
#define __shfl_xor_sync(mask, value, apart) snn_host::exchange(mask, value, snn_host::lane() ^ unsigned(apart), __LINE__)
#define SNN_SHARED(type, name, count) type* const name = static_cast<type*>(snn_host::shared(__FILE__ #name, sizeof(type) * (count)))
#define SNN_EXPORT(name) \
    extern "C" void name##_launch(const unsigned* grid, const unsigned* block, unsigned long long seed, void** arguments) { \
        snn_host::launch(name, grid, block, seed, arguments); \
    }
