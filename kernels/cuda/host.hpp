// What CUDA C++ gives to `real.cuh`, as plain C++: for the tests, on machines without a GPU.
#pragma once

#include <cmath>
#include <cstring>

#define __device__
#define __forceinline__ inline

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
