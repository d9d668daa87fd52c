// A stand-in for the part of libtorch that has CUDA. In: tensors on `cuda:0`; out: the CPU's operators on the same memory.
//
// Device memory is host memory, of two devices. An operator that is not ours sees each tensor as one on the CPU; what it makes becomes a
// tensor on the device. Streams are numbers: each device has one, whose handle is 0x5700 and the device.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>
#include <memory>

namespace {

thread_local c10::DeviceIndex current = 0;

// Is a graph captured, and how many calls did that not allow?
bool capturing = false;
unsigned long long forbidden = 0;

c10::Device cuda(c10::DeviceIndex index) { return c10::Device(c10::DeviceType::CUDA, index); }

struct Memory final : c10::Allocator {
    c10::DataPtr allocate(size_t bytes) override {
        void* p = bytes ? std::aligned_alloc(512, (bytes + 511) / 512 * 512) : nullptr;
        if (p) memset(p, 0xff, bytes);
        return {p, p, &std::free, cuda(current)};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
    void copy_data(void* to, const void* from, size_t bytes) const override { memcpy(to, from, bytes); }
} memory;

struct Guard final : c10::impl::DeviceGuardImplInterface {
    c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
    c10::Device exchangeDevice(c10::Device device) const override {
        const c10::Device before = cuda(current);
        current = device.index();
        return before;
    }
    c10::Device getDevice() const override { return cuda(current); }
    void setDevice(c10::Device device) const override { current = device.index(); }
    void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
    c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
    c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
    c10::Stream exchangeStream(c10::Stream stream) const override { return getStream(stream.device()); }
    void* getStreamNativeHandle(const c10::Stream stream) const override {
        return reinterpret_cast<void*>(0x5700 + (uintptr_t)stream.device_index());
    }
    c10::DeviceIndex deviceCount() const noexcept override { return 2; }
    void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
    void block(void*, const c10::Stream&) const override {}
    void synchronizeStream(const c10::Stream&) const override {}
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard)

// libtorch asks for it by this name.
struct CUDAHooks final : at::CUDAHooksInterface {
    explicit CUDAHooks(at::CUDAHooksArgs) {}
    void init() const override {}
    bool hasCUDA() const override { return true; }
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
    int getNumGPUs() const override { return 2; }
    c10::DeviceIndex deviceCount() const override { return 2; }
    c10::DeviceIndex getCurrentDevice() const override { return current; }
    const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override { return at::detail::getDefaultCPUGenerator(); }
};
using at::CUDAHooksRegistry;
using at::RegistererCUDAHooksRegistry;
REGISTER_CUDA_HOOKS(CUDAHooks)

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device> device,
                 std::optional<bool>, std::optional<at::MemoryFormat> format) {
    const c10::DeviceGuard guard(device.value_or(cuda(current)));
    return at::detail::empty_generic(sizes, &memory, c10::DispatchKeySet(c10::DispatchKey::CUDA), type.value_or(at::kFloat), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device> device, std::optional<bool>) {
    const c10::DeviceGuard guard(device.value_or(cuda(current)));
    return at::detail::empty_strided_generic(sizes, strides, &memory, c10::DispatchKeySet(c10::DispatchKey::CUDA), type.value_or(at::kFloat));
}

// The same elements of another device, which keep the tensor alive.
at::Tensor alias(const at::Tensor& x, c10::Device device) {
    if (!x.defined()) return x;
    return at::from_blob(x.data_ptr(), x.sizes(), x.strides(), [x](void*) {}, x.options().device(device), device);
}

void on_the_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
    const auto& schema = op.schema();
    const size_t count = schema.arguments().size(), first = stack->size() - count;
    const torch::jit::Stack given(stack->begin() + (ptrdiff_t)first, stack->end());
    if (capturing) {
        // Numbers that go to the host, or come from there, are waited for.
        bool host = false, copies = schema.name() == "aten::copy_";
        for (const auto& argument : given) host |= argument.isTensor() && argument.toTensor().defined() && argument.toTensor().is_cpu();
        forbidden += schema.name() == "aten::_local_scalar_dense" || schema.name() == "aten::_to_copy" || (copies && host);
    }
    c10::Device device = cuda(current);
    const auto in = [&](const at::Tensor& x) {
        if (!x.defined() || !x.is_cuda()) return x;
        device = x.device();
        return alias(x, at::kCPU);
    };
    // Results get memory of their own, as an operator may make them larger on its way.
    const auto is_result = [&](size_t i) {
        return schema.arguments()[i].is_out() && given[i].isTensor() && given[i].toTensor().is_cuda();
    };
    for (size_t i = 0; i < count; i++) {
        c10::IValue& argument = (*stack)[first + i];
        if (is_result(i)) {
            device = argument.toTensor().device();
            argument = at::empty({0}, argument.toTensor().options().device(at::kCPU));
        } else if (argument.isTensor()) {
            argument = in(argument.toTensor());
        } else if (argument.isTensorList()) {
            std::vector<at::Tensor> list;
            for (const at::Tensor& x : argument.toTensorVector()) list.push_back(in(x));
            argument = c10::IValue(list);
        } else if (argument.isDevice() && argument.toDevice().is_cuda()) {
            device = argument.toDevice();
            argument = c10::IValue(c10::Device(at::kCPU));
        }
    }
    c10::Dispatcher::singleton().redispatchBoxed(op, c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
    const size_t results = schema.returns().size(), base = stack->size() - results;
    for (size_t i = 0; i < results; i++) {
        c10::IValue& result = (*stack)[base + i];
        if (!result.isTensor()) continue;
        const auto* written = schema.returns()[i].alias_info();
        at::Tensor back;
        for (size_t k = 0; written && written->isWrite() && k < count; k++) {
            const auto* same = schema.arguments()[k].alias_info();
            if (!same || !(*same == *written)) continue;
            back = given[k].toTensor();
            const at::Tensor& now = result.toTensor();
            if (!is_result(k)) continue;
            if (back.sizes() == now.sizes()) alias(back, at::kCPU).copy_(now);
            else back.unsafeGetTensorImpl()->shallow_copy_from(alias(now, device).getIntrusivePtr());
        }
        TORCH_CHECK(!written || back.defined(), "the stand-in has no view ", schema.name());
        result = c10::IValue(back.defined() ? back : alias(result.toTensor(), device));
    }
}

}  // namespace

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
    m.impl("empty.memory_format", &empty);
    m.impl("empty_strided", &empty_strided);
    m.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
    m.impl("view", TORCH_FN(at::native::view));
    m.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
    // Whole: libtorch would take them apart for CUDA, into operators that the CPU has not.
    m.impl("convolution", torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
    m.impl("convolution_backward", torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
    m.impl("copy_", torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
}

extern "C" int snn_stand_in_is_stream(void* stream) { return stream == reinterpret_cast<void*>(0x5700 + (uintptr_t)current); }
extern "C" void snn_stand_in_capture(int on) { capturing = on != 0; }
extern "C" int snn_stand_in_capturing(int is_forbidden) {
    forbidden += capturing && is_forbidden;
    return capturing;
}
extern "C" unsigned long long snn_stand_in_forbidden() { return forbidden; }
