// The stream that libtorch launches on. In: a device; out: a CUstream. Needs no header and no library of CUDA: the part of libtorch that has
// CUDA registers itself.
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstring>
#include <exception>

extern "C" {

char* snn_bridge_message(const char* text, size_t n);

// Returns 0, or 1 with *err set to a message made by snn_bridge_message.
int snn_bridge_stream(int device, void** stream, char** err) {
  try {
    const c10::impl::DeviceGuardImplInterface* guard = c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA);
    const c10::Stream current = guard->getStream(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)));
    *stream = guard->getStreamNativeHandle(current);
    return 0;
  } catch (const std::exception& e) {
    *err = snn_bridge_message(e.what(), strlen(e.what()));
    return 1;
  }
}
}
