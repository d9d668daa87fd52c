// A stand-in for libcuda.so.1. In: the calls of the launcher; out: kernels run on the host, by `kernels/cuda/host.cpp`, which is linked to
// this. Device memory is host memory. What a real driver refuses is refused here, and more: a launch needs a current context, a stream of
// the stand-in for libtorch, and whole arguments.
//
// SNN_STAND_IN="cuInit=100,.." makes functions fail with that code.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

namespace {

typedef void (*Launch)(const unsigned* grid, const unsigned* block, unsigned long long seed, void** arguments);

enum { OK = 0, INVALID_VALUE = 1, INVALID_IMAGE = 200, INVALID_CONTEXT = 201, NOT_FOUND = 500, INVALID_HANDLE = 400, CAPTURE_UNSUPPORTED = 900 };

int context;                        // its address is the primary context of device 0
thread_local std::vector<void*> contexts;
unsigned long long launches, loads;

int failing(const char* function) {
    const char* list = getenv("SNN_STAND_IN");
    const char* at = list ? strstr(list, (std::string(function) + "=").c_str()) : nullptr;
    return at ? atoi(at + strlen(function) + 1) : OK;
}

}  // namespace

#define FAIL_IF_TOLD() \
    if (const int code = failing(__func__)) return code

// What a stream that is captured in a graph does not allow.
#define FAIL_IN_CAPTURE() \
    if (snn_stand_in_capturing && snn_stand_in_capturing(1)) return CAPTURE_UNSUPPORTED

extern "C" {

// The stand-in for libtorch says which streams there are.
int snn_stand_in_is_stream(void* stream) __attribute__((weak));

// And whether a graph is captured; 1: by a call that it does not allow.
int snn_stand_in_capturing(int forbidden) __attribute__((weak));

unsigned long long snn_stand_in_launches() { return launches; }
unsigned long long snn_stand_in_loads() { return loads; }

int cuInit(unsigned) {
    FAIL_IF_TOLD();
    return OK;
}
int cuDriverGetVersion(int* version) {
    *version = 13000;
    return OK;
}
int cuDeviceGetCount(int* count) {
    *count = 1;
    return OK;
}
int cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? OK : INVALID_VALUE;
}
int cuDeviceGetName(char* name, int length, int) {
    snprintf(name, (size_t)length, "Stand-in");
    return OK;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
    const int capability = failing("capability") ? failing("capability") : 90;
    *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : 0;
    return attribute == 75 || attribute == 76 ? OK : INVALID_VALUE;
}
int cuDevicePrimaryCtxRetain(void** out, int) {
    *out = &context;
    return OK;
}
int cuCtxPushCurrent_v2(void* pushed) {
    if (pushed != &context) return INVALID_CONTEXT;
    contexts.push_back(pushed);
    return OK;
}
int cuCtxPopCurrent_v2(void** popped) {
    if (contexts.empty()) return INVALID_CONTEXT;
    *popped = contexts.back();
    contexts.pop_back();
    return OK;
}

// An image is a shared object behind a mark and its length, as the stand-in for NVRTC makes it.
int cuModuleLoadData(void** module, const void* image) {
    FAIL_IF_TOLD();
    FAIL_IN_CAPTURE();
    if (contexts.empty()) return INVALID_CONTEXT;
    const char* at = static_cast<const char*>(image);
    if (strncmp(at, "stand-in", 8) != 0) return INVALID_IMAGE;
    unsigned long long length;
    memcpy(&length, at + 8, sizeof length);
    char name[] = "/tmp/snn-stand-in-XXXXXX";
    const int file = mkstemp(name);
    const bool written = file >= 0 && write(file, at + 16, length) == (ssize_t)length;
    close(file);
    *module = written ? dlopen(name, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!*module) fprintf(stderr, "%s\n", dlerror());
    unlink(name);
    loads++;
    return *module ? OK : INVALID_IMAGE;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    *function = dlsym(module, (std::string(name) + "_launch").c_str());
    return *function ? OK : NOT_FOUND;
}
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void* stream,
                   void** arguments, void** extra) {
    FAIL_IF_TOLD();
    if (contexts.empty()) return INVALID_CONTEXT;
    if (!snn_stand_in_is_stream || !snn_stand_in_is_stream(stream)) return INVALID_HANDLE;
    if (shared != 0 || extra || gx == 0 || gy == 0 || gz == 0 || gx > 0x7fffffff || gy > 65535 || gz > 65535) return INVALID_VALUE;
    const unsigned grid[3] = {gx, gy, gz}, block[3] = {bx, by, bz};
    reinterpret_cast<Launch>(function)(grid, block, ++launches, arguments);
    return OK;
}

// Nobody calls these: the launcher waits for nothing, and memory is libtorch's.
int cuCtxSynchronize() {
    FAIL_IN_CAPTURE();
    return OK;
}
int cuStreamSynchronize(void*) {
    FAIL_IN_CAPTURE();
    return OK;
}
int cuMemAlloc_v2(unsigned long long*, size_t) {
    FAIL_IN_CAPTURE();
    return INVALID_VALUE;
}

int cuGetErrorName(int code, const char** text) {
    static const std::map<int, const char*> names = {{1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"},
        {100, "CUDA_ERROR_NO_DEVICE"}, {200, "CUDA_ERROR_INVALID_IMAGE"}, {201, "CUDA_ERROR_INVALID_CONTEXT"},
        {400, "CUDA_ERROR_INVALID_HANDLE"}, {500, "CUDA_ERROR_NOT_FOUND"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}};
    const auto found = names.find(code);
    *text = found == names.end() ? nullptr : found->second;
    return found == names.end() ? INVALID_VALUE : OK;
}
int cuGetErrorString(int code, const char** text) {
    return cuGetErrorName(code, text);
}
}
