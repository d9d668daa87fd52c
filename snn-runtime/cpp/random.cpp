// The state of libtorch's random number generators. In: a device, a state; out: the state of its generator, which is then another one.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstring>
#include <exception>
#include <mutex>

typedef at::Tensor* snn_tensor;  // tch's C_tensor*

namespace {

// That of the CPU, or of CUDA device number `device`.
at::Generator generator(int device) {
  if (device < 0) return at::detail::getDefaultCPUGenerator();
  return at::globalContext().defaultGenerator(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device)));
}

}  // namespace

extern "C" {

char* snn_bridge_message(const char* text, size_t n);

// *state is a new tensor of bytes on the CPU, owned by the caller. Returns 0, or 1 with *err set to a message made by snn_bridge_message.
int snn_bridge_random_state(int device, snn_tensor* state, char** err) {
  try {
    at::Generator g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    *state = new at::Tensor(g.get_state());
    return 0;
  } catch (const std::exception& e) {
    *err = snn_bridge_message(e.what(), strlen(e.what()));
    return 1;
  }
}

// The reverse.
int snn_bridge_set_random_state(int device, const snn_tensor state, char** err) {
  try {
    at::Generator g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(*state);
    return 0;
  } catch (const std::exception& e) {
    *err = snn_bridge_message(e.what(), strlen(e.what()));
    return 1;
  }
}
}
