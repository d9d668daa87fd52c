// Arithmetic of the kernels on `float` and `double`. In: numbers; out: the bits that `snn_kernels::Real` gives on the CPU.
//
// Every rounding is spelled out, so no compiler flag contracts a product and a sum into one. The functions are those of
// `kernels/src/math.rs` and `kernels/src/math/functions.rs`, operation by operation.
#pragma once

#define SNN_DEVICE __device__ __forceinline__

// The tests' `host.hpp` guards shared arrays, and makes kernels callable.
#if !defined(SNN_SHARED)
#define SNN_SHARED(type, name, count) __shared__ type name[count]
#define SNN_EXPORT(name)
#endif

namespace snn {

SNN_DEVICE float add(float a, float b) { return __fadd_rn(a, b); }
SNN_DEVICE float sub(float a, float b) { return __fsub_rn(a, b); }
SNN_DEVICE float mul(float a, float b) { return __fmul_rn(a, b); }
SNN_DEVICE float div(float a, float b) { return __fdiv_rn(a, b); }
SNN_DEVICE float sqrt(float a) { return __fsqrt_rn(a); }
SNN_DEVICE double add(double a, double b) { return __dadd_rn(a, b); }
SNN_DEVICE double sub(double a, double b) { return __dsub_rn(a, b); }
SNN_DEVICE double mul(double a, double b) { return __dmul_rn(a, b); }
SNN_DEVICE double div(double a, double b) { return __ddiv_rn(a, b); }
SNN_DEVICE double sqrt(double a) { return __dsqrt_rn(a); }

SNN_DEVICE float abs(float a) { return a < 0.0f || (a == 0.0f) ? 0.0f - a : a; }
SNN_DEVICE double abs(double a) { return a < 0.0 || (a == 0.0) ? 0.0 - a : a; }
SNN_DEVICE float round(float a) { return rintf(a); }
SNN_DEVICE double round(double a) { return rint(a); }
SNN_DEVICE float floor(float a) { return floorf(a); }
SNN_DEVICE double floor(double a) { return ::floor(a); }

// p * x + c, in two roundings.
template <typename F> SNN_DEVICE F step(F p, F x, F c) { return add(mul(p, x), c); }

SNN_DEVICE float exp(float x) {
    const float ROUND = 12582912.0f;
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    const float rounded = add(mul(x, 1.4426950408889634f), ROUND);
    const float n = sub(rounded, ROUND);
    const int k = (int)((unsigned)__float_as_int(rounded) - (unsigned)__float_as_int(ROUND));
    const float r = sub(sub(x, mul(n, 0.693359375f)), mul(n, -2.12194440e-4f));
    float p = 1.0f / 5040.0f;
    p = step(p, r, 1.0f / 720.0f);
    p = step(p, r, 1.0f / 120.0f);
    p = step(p, r, 1.0f / 24.0f);
    p = step(p, r, 1.0f / 6.0f);
    p = step(p, r, 1.0f / 2.0f);
    const float e = add(1.0f, add(r, mul(mul(r, r), p)));
    const int half = k >> 1;
    const float low = __int_as_float((int)((unsigned)(half + 127) << 23));
    const float high = __int_as_float((int)((unsigned)(k - half + 127) << 23));
    return mul(mul(e, low), high);
}

SNN_DEVICE double exp(double x) {
    const double ROUND = 6755399441055744.0;
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double rounded = add(mul(x, 1.4426950408889634), ROUND);
    const double n = sub(rounded, ROUND);
    const long long k =
        (long long)((unsigned long long)__double_as_longlong(rounded) - (unsigned long long)__double_as_longlong(ROUND));
    const double r = sub(sub(x, mul(n, 6.93147180369123816490e-1)), mul(n, 1.90821492927058770002e-10));
    double p = 1.0 / 6227020800.0;
    p = step(p, r, 1.0 / 479001600.0);
    p = step(p, r, 1.0 / 39916800.0);
    p = step(p, r, 1.0 / 3628800.0);
    p = step(p, r, 1.0 / 362880.0);
    p = step(p, r, 1.0 / 40320.0);
    p = step(p, r, 1.0 / 5040.0);
    p = step(p, r, 1.0 / 720.0);
    p = step(p, r, 1.0 / 120.0);
    p = step(p, r, 1.0 / 24.0);
    p = step(p, r, 1.0 / 6.0);
    p = step(p, r, 1.0 / 2.0);
    const double e = add(1.0, add(r, mul(mul(r, r), p)));
    const long long half = k >> 1;
    const double low = __longlong_as_double((long long)((unsigned long long)(half + 1023) << 52));
    const double high = __longlong_as_double((long long)((unsigned long long)(k - half + 1023) << 52));
    return mul(mul(e, low), high);
}

template <typename F> SNN_DEVICE F sigmoid(F x) { return div(F(1), add(F(1), exp(-x))); }

SNN_DEVICE float atan(float x) {
    const float a = abs(x);
    float c = 0.0f, hi = 0.0f, lo = 0.0f;
    if (a >= 0.4375f) { c = 0.5f; hi = 4.6364760399e-1f; lo = 5.0121582440e-9f; }
    if (a >= 0.6875f) { c = 1.0f; hi = 7.8539812565e-1f; lo = 3.7748947079e-8f; }
    if (a >= 1.1875f) { c = 1.5f; hi = 9.8279368877e-1f; lo = 3.4473217170e-8f; }
    float num = sub(a, c), den = add(1.0f, mul(c, a));
    if (a >= 2.4375f) { num = -1.0f; den = a; hi = 1.5707962513f; lo = 7.5497894159e-8f; }
    const float t = div(num, den);
    const float z = mul(t, t);
    float s = 6.1687607318e-2f;
    s = step(s, z, -1.0648017377e-1f);
    s = step(s, z, 1.4253635705e-1f);
    s = step(s, z, -1.9999158382e-1f);
    s = step(s, z, 3.3333328366e-1f);
    return copysignf(sub(hi, sub(sub(mul(t, mul(z, s)), lo), t)), x);
}

SNN_DEVICE double atan(double x) {
    const double a = abs(x);
    double c = 0.0, hi = 0.0, lo = 0.0;
    if (a >= 0.4375) { c = 0.5; hi = 4.63647609000806093515e-1; lo = 2.26987774529616870924e-17; }
    if (a >= 0.6875) { c = 1.0; hi = 7.85398163397448278999e-1; lo = 3.06161699786838301793e-17; }
    if (a >= 1.1875) { c = 1.5; hi = 9.82793723247329054082e-1; lo = 1.39033110312309984516e-17; }
    double num = sub(a, c), den = add(1.0, mul(c, a));
    if (a >= 2.4375) { num = -1.0; den = a; hi = 1.57079632679489655800; lo = 6.12323399573676603587e-17; }
    const double t = div(num, den);
    const double z = mul(t, t);
    double s = 1.62858201153657823623e-2;
    s = step(s, z, -3.65315727442169155270e-2);
    s = step(s, z, 4.97687799461593236017e-2);
    s = step(s, z, -5.83357013379057348645e-2);
    s = step(s, z, 6.66107313738753120669e-2);
    s = step(s, z, -7.69187620504482999495e-2);
    s = step(s, z, 9.09088713343650656196e-2);
    s = step(s, z, -1.11111104054623557880e-1);
    s = step(s, z, 1.42857142725034663711e-1);
    s = step(s, z, -1.99999999998764832476e-1);
    s = step(s, z, 3.33333333333329318027e-1);
    return copysign(sub(hi, sub(sub(mul(t, mul(z, s)), lo), t)), x);
}

SNN_DEVICE double ln(double x) {
    const bool small = x < 2.2250738585072014e-308;
    const double scaled = small ? mul(x, 18014398509481984.0) : x;
    const double lift = small ? -54.0 : 0.0;
    const unsigned long long HALF = 0x3fe6a09e00000000ull;
    const unsigned long long bits = (unsigned long long)__double_as_longlong(scaled) + (0x3ff0000000000000ull - HALF);
    const double raised = __longlong_as_double((long long)((bits >> 52) | 0x4330000000000000ull));
    const double k = add(sub(sub(raised, 4503599627370496.0), 1023.0), lift);
    const double m = __longlong_as_double((long long)((bits & 0x000fffffffffffffull) + HALF));
    const double f = sub(m, 1.0);
    const double s = div(f, add(2.0, f));
    const double z = mul(s, s), half = mul(mul(0.5, f), f);
    double p = 1.479819860511658591e-1;
    p = step(p, z, 1.531383769920937332e-1);
    p = step(p, z, 1.818357216161805012e-1);
    p = step(p, z, 2.222219843214978396e-1);
    p = step(p, z, 2.857142874366239149e-1);
    p = step(p, z, 3.999999999940941908e-1);
    p = step(p, z, 6.666666666666735130e-1);
    const double low = add(mul(s, add(half, mul(p, z))), mul(k, 1.90821492927058770002e-10));
    double value = sub(mul(k, 6.93147180369123816490e-1), sub(sub(half, low), f));
    const double infinity = __longlong_as_double(0x7ff0000000000000ll);
    value = x == infinity ? x : value;
    value = x == 0.0 ? -infinity : value;
    return x >= 0.0 ? value : __longlong_as_double(0x7ff8000000000000ll);
}

// Sine, or a quarter turn on the cosine.
SNN_DEVICE double turn(double x, unsigned long long start) {
    const double ROUND = 6755399441055744.0;
    const double rounded = add(mul(x, 0.63661977236758134308), ROUND);
    const double n = sub(rounded, ROUND);
    const unsigned long long quarter = ((unsigned long long)__double_as_longlong(rounded) + start) & 3;
    double r = sub(x, mul(n, 1.57079632673412561417));
    r = sub(r, mul(n, 6.07710050630396597660e-11));
    r = sub(r, mul(n, 2.02226624879595063154e-21));
    const double z = mul(r, r);
    double s = 1.58969099521155010221e-10;
    s = step(s, z, -2.50507602534068634195e-8);
    s = step(s, z, 2.75573137070700676789e-6);
    s = step(s, z, -1.98412698298579493134e-4);
    s = step(s, z, 8.33333333332248946124e-3);
    s = step(s, z, -1.66666666666666324348e-1);
    s = add(r, mul(mul(r, z), s));
    double c = -1.13596475577881948265e-11;
    c = step(c, z, 2.08757232129817482790e-9);
    c = step(c, z, -2.75573143513906633035e-7);
    c = step(c, z, 2.48015872894767294178e-5);
    c = step(c, z, -1.38888888888741095749e-3);
    c = step(c, z, 4.16666666666666019037e-2);
    c = sub(1.0, sub(mul(0.5, z), mul(mul(z, z), c)));
    const double value = (quarter & 1) == 0 ? s : c;
    return (quarter & 2) == 0 ? value : -value;
}

SNN_DEVICE double sin(double x) { return turn(x, 0); }
SNN_DEVICE double cos(double x) { return turn(x, 1); }

SNN_DEVICE double tanh(double x) {
    const double a = abs(x), z = mul(x, x);
    const double far = sub(1.0, div(2.0, add(exp(mul(2.0, a)), 1.0)));
    double near = 17.0;
    for (double odd = 15.0; odd > 0.0; odd = sub(odd, 2.0)) {
        near = add(odd, div(z, near));
    }
    double value = a < 0.6 ? div(a, near) : far;
    value = x != x ? x : value;
    return copysign(value, x);
}

SNN_DEVICE double erfc(double x) {
    const double z = abs(x);
    const double t = div(2.0, add(2.0, z));
    const double y = mul(2.0, sub(mul(2.0, t), 1.0));
    const double series[27] = {
        -2.8164318215888218373e-17, 1.2102179633567604846e-16,  -9.4573423619697721844e-17, -1.5230293148083845958e-15,
        7.1060983121851931005e-15,  3.8109024550397839385e-16,  -1.1270822375373605955e-13, 3.1309214049367885277e-13,
        8.9448792633340131747e-13,  -6.886027525110881136e-12,  2.3940380812489559247e-12,  9.6467911022339212419e-11,
        -2.2736512229574948061e-10, -9.9136415649009914582e-10, 5.0593434955481828542e-9,   6.5290544391024719231e-9,
        -8.5238095914930477672e-8,  1.562644172207037172e-8,    1.3036558355805187028e-6,   -1.6242900046470207683e-6,
        -0.00002027857811253424812, 0.000042523324806907776804, 0.00036683949785276144655,  -0.00094659534448203686084,
        -0.0095615147868086316474,  0.019476473204185836317,    0.6419697923564902603,
    };
    double d = 0.0, before = 0.0;
    for (int i = 0; i < 27; i++) {
        const double next = add(sub(mul(y, d), before), series[i]);
        before = d;
        d = next;
    }
    const double p = sub(mul(0.5, add(mul(y, d), -1.3026537197817094342)), before);
    const double tail = mul(t, exp(sub(p, mul(z, z))));
    return x < 0.0 ? sub(2.0, tail) : tail;
}

template <typename F> SNN_DEVICE F erf(F x) { return sub(F(1), F(erfc(double(x)))); }
SNN_DEVICE double pow(double a, double b) { return exp(mul(b, ln(a))); }

SNN_DEVICE float ln(float x) { return float(ln(double(x))); }
SNN_DEVICE float sin(float x) { return float(sin(double(x))); }
SNN_DEVICE float cos(float x) { return float(cos(double(x))); }
SNN_DEVICE float tanh(float x) { return float(tanh(double(x))); }
SNN_DEVICE float erfc(float x) { return float(erfc(double(x))); }
SNN_DEVICE float pow(float a, float b) { return float(pow(double(a), double(b))); }

}  // namespace snn
