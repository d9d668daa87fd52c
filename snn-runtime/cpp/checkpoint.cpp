// What running a part of a net again for its backward pass needs of autograd. In: tensors with history; out: the weights that they depend on,
// and gradients that are not added to anything.
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <unordered_set>

using namespace torch::autograd;

typedef at::Tensor* snn_tensor;  // tch's C_tensor*

namespace {

template <typename F>
int caught(char** err, F f) {
  try {
    f();
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

}  // namespace

extern "C" {

// Does autograd record operations now?
int snn_bridge_grad_mode() { return GradMode::is_enabled() ? 1 : 0; }

// Calls `found` with every leaf that a gradient of the outputs would be added to, but for the `known` ones. It owns what it is given.
int snn_bridge_leaves(const snn_tensor* outputs, size_t n_out, const snn_tensor* known, size_t n_known, void* context,
                      void (*found)(void* context, snn_tensor leaf), char** err) {
  return caught(err, [&] {
    std::unordered_set<const void*> seen;
    for (size_t i = 0; i < n_known; i++) seen.insert(known[i]->unsafeGetTensorImpl());
    edge_list stack;
    for (size_t i = 0; i < n_out; i++)
      if (outputs[i]->requires_grad()) stack.push_back(impl::gradient_edge(*outputs[i]));
    while (!stack.empty()) {
      const Edge edge = stack.back();
      stack.pop_back();
      Node* node = edge.function.get();
      if (!node || !seen.insert(node).second) continue;
      if (auto* end = dynamic_cast<AccumulateGrad*>(node)) {
        if (seen.insert(end->variable.unsafeGetTensorImpl()).second) found(context, new at::Tensor(end->variable));
      }
      for (const Edge& next : node->next_edges()) stack.push_back(next);
    }
  });
}

// result[i] is the gradient of the outputs, weighted by `grads`, with respect to inputs[i]; null where there is none. The graph is freed.
int snn_bridge_gradients(const snn_tensor* outputs, const snn_tensor* grads, size_t n_out, const snn_tensor* inputs, size_t n_in,
                         snn_tensor* result, char** err) {
  return caught(err, [&] {
    variable_list outs, weights, ins;
    for (size_t i = 0; i < n_out; i++) {
      outs.push_back(*outputs[i]);
      weights.push_back(*grads[i]);
    }
    for (size_t i = 0; i < n_in; i++) ins.push_back(*inputs[i]);
    variable_list found = grad(outs, ins, weights, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < n_in; i++)
      if (found[i].defined()) result[i] = new at::Tensor(std::move(found[i]));
  });
}
}
