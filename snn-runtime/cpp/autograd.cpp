// The autograd bridge: one libtorch graph node whose backward is a Rust closure. In: tensors computed in Rust, what to save,
// a callback; out: the same tensors with history. Written against libtorch 2.13, where Node is a c10::intrusive_ptr.
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/basic_ops.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>

using namespace torch::autograd;

typedef at::Tensor* snn_tensor;  // tch's C_tensor*

extern "C" {
// A raw callback must not unwind. It owns every non-null tensor of `grads` and `saved`, and gives the tensors it writes
// into `out` away. Returns 0, or 1 with *err set to a message made by snn_bridge_message.
//   grads[n_out]: null where no gradient reached that output       saved[n_saved]: null where nothing was saved
//   needs[n_in]: 1 where that input's gradient is wanted           out[n_in]: null stands for "no gradient"
typedef int (*snn_backward)(void* context, snn_tensor* grads, size_t n_out, snn_tensor* saved, size_t n_saved,
                            const uint8_t* needs, snn_tensor* out, size_t n_in, char** err);
typedef void (*snn_drop)(void* context);
}

namespace {

// A Rust closure, dropped exactly once.
struct Context {
  void* data = nullptr;
  snn_drop drop = nullptr;
  Context(void* data, snn_drop drop) : data(data), drop(drop) {}
  Context(const Context&) = delete;
  ~Context() { release(); }
  void* take() {
    void* d = data;
    data = nullptr;
    return d;
  }
  void release() {
    if (data) drop(take());
  }
};

struct RustNode final : public Node {
  std::string label;
  std::vector<SavedVariable> saved;
  Context context;
  snn_backward backward;
  bool released = false;

  RustNode(edge_list&& edges, std::string label, void* data, snn_backward backward, snn_drop drop)
      : Node(std::move(edges)), label(std::move(label)), context(data, drop), backward(backward) {}

  std::string name() const override { return label; }

  // The engine calls this after a backward that does not retain the graph.
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& s : saved) s.reset_data();
    context.release();
    released = true;
  }

  variable_list apply(variable_list&& grads) override {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!released, ERR_BACKWARD_TWICE);
    const bool create_graph = GradMode::is_enabled();
    variable_list result = run(std::move(grads));
    return create_graph ? once_differentiable(std::move(result)) : result;
  }

  variable_list run(variable_list&& grads) {
    AutoGradMode no_grad(false);
    const size_t n_in = num_outputs();
    variable_list unpacked;  // throws on a saved tensor that was changed in place, before raw pointers exist
    for (auto& s : saved) unpacked.push_back(s.unpack(getptr()));
    std::vector<uint8_t> needs(n_in);
    for (size_t i = 0; i < n_in; i++) needs[i] = task_should_compute_output(i);
    auto g = raw(std::move(grads)), s = raw(std::move(unpacked));
    std::vector<snn_tensor> out(n_in, nullptr);
    char* err = nullptr;
    const int rc = backward(context.data, g.data(), g.size(), s.data(), s.size(), needs.data(), out.data(), n_in, &err);
    variable_list result(n_in);
    for (size_t i = 0; i < n_in; i++) {
      if (!out[i]) continue;
      result[i] = std::move(*out[i]);
      delete out[i];
    }
    if (rc != 0) {
      std::string message = err ? err : "the backward function failed";
      free(err);
      TORCH_CHECK(false, label, ": ", message);
    }
    return result;
  }

  static std::vector<snn_tensor> raw(variable_list&& list) {
    std::vector<snn_tensor> out(list.size(), nullptr);
    for (size_t i = 0; i < list.size(); i++)
      if (list[i].defined()) out[i] = new at::Tensor(std::move(list[i]));
    return out;
  }

  // As Python's once_differentiable: the error comes if the second derivative is asked for.
  variable_list once_differentiable(variable_list&& result) {
    auto error = c10::make_intrusive<DelayedError>(
        label + ": it can be differentiated once; a second derivative (create_graph) is not available",
        static_cast<int64_t>(result.size()));
    variable_list leaves;
    for (auto& r : result) {
      if (!r.defined()) {
        leaves.emplace_back();
        continue;
      }
      Variable v = r.detach();
      v.set_requires_grad(true);
      leaves.push_back(v);
    }
    return (*error)(std::move(leaves));
  }
};

bool recorded(const snn_tensor* in, size_t n) {
  if (!GradMode::is_enabled()) return false;
  for (size_t i = 0; i < n; i++)
    if (in[i] && in[i]->defined() && in[i]->requires_grad()) return true;
  return false;
}

}  // namespace

extern "C" {

// `tensor` is a leaf.
void snn_bridge_forget_gradient(snn_tensor tensor) { tensor->mutable_grad().reset(); }

char* snn_bridge_message(const char* text, size_t n) {
  char* r = static_cast<char*>(malloc(n + 1));
  if (!r) return nullptr;
  memcpy(r, text, n);
  r[n] = 0;
  return r;
}

void snn_bridge_free(char* message) { free(message); }

// Would autograd record an operation on these inputs now?
int snn_bridge_recorded(const snn_tensor* in, size_t n) { return recorded(in, n) ? 1 : 0; }

// Makes one node behind the outputs; each outs[i] is replaced in place by the tensor with history. Takes `data` in every
// case: it is dropped with the graph, after a backward that frees it, or at once where nothing is recorded.
//   saved_output[i] = -1: saved[i] is an input or an intermediate;  k >= 0: it is output k
int snn_bridge_attach(const char* label, const snn_tensor* in, size_t n_in, snn_tensor* outs, size_t n_out,
                      const snn_tensor* saved, const int32_t* saved_output, size_t n_saved, void* data,
                      snn_backward backward, snn_drop drop, char** err) {
  Context guard(data, drop);
  try {
    if (!recorded(in, n_in)) return 0;
    edge_list edges;
    for (size_t i = 0; i < n_in; i++)
      edges.push_back(in[i] && in[i]->defined() ? impl::gradient_edge(*in[i]) : Edge());
    auto node = c10::make_intrusive<RustNode>(std::move(edges), label, guard.take(), backward, drop);
    variable_list fresh;
    for (size_t i = 0; i < n_out; i++) {
      if (isDifferentiableType(outs[i]->scalar_type())) {
        Variable v = outs[i]->detach();  // never rewrites the history of a tensor that the caller holds
        set_history(v, node);
        fresh.push_back(v);
      } else {
        node->add_input_metadata(Node::undefined_input());
        fresh.push_back(*outs[i]);
      }
    }
    for (size_t i = 0; i < n_saved; i++) {
      const int32_t k = saved_output[i];
      if (k >= 0)
        node->saved.emplace_back(fresh.at(k), /*is_output=*/true);
      else
        node->saved.emplace_back(saved[i] ? *saved[i] : at::Tensor(), false);
    }
    for (size_t i = 0; i < n_out; i++) *outs[i] = fresh[i];
    return 0;
  } catch (const c10::Error& e) {
    *err = strdup(e.what_without_backtrace());
  } catch (const std::exception& e) {
    *err = strdup(e.what());
  } catch (...) {
    *err = strdup("unknown C++ exception");
  }
  return 1;
}
}
