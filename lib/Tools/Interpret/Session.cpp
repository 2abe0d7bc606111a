//===- Session.cpp - prompts on the reference interpreter -----------------===//
#include "Session.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using dsv3::reference::Tensor;

namespace dsv3::interpret {

static Tensor vectorOf(ArrayRef<int64_t> values) {
  Tensor tensor({static_cast<int64_t>(values.size())});
  for (auto [index, value] : llvm::enumerate(values)) {
    tensor[static_cast<int64_t>(index)] = static_cast<double>(value);
  }
  return tensor;
}

static Tensor counted(int64_t from, int64_t count) {
  Tensor tensor({count});
  for (int64_t i = 0; i < count; ++i) {
    tensor[i] = static_cast<double>(from + i);
  }
  return tensor;
}

/// Rows of `more` after those of `all`.
static void appendRows(Tensor &all, const Tensor &more) {
  if (all.shape().empty()) {
    all = more;
    return;
  }
  std::vector<int64_t> shape = more.shape();
  shape[0] += all.rows();
  Tensor joined(shape);
  std::copy(more.data(), more.data() + more.size(),
            std::copy(all.data(), all.data() + all.size(), joined.data()));
  all = joined;
}

FailureOr<std::pair<std::string, int64_t>> Session::entryFor(StringRef role, int64_t tokens) {
  std::pair<std::string, int64_t> best;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto info = function->getAttrOfType<DictionaryAttr>(graph::entryAttrName);
    auto entryRole = info ? info.getAs<StringAttr>("role") : StringAttr();
    if (!entryRole || entryRole.getValue() != role) {
      continue;
    }
    auto low = info.getAs<IntegerAttr>("min_tokens"), high = info.getAs<IntegerAttr>("max_tokens");
    if (!low || !high) {
      return std::pair(function.getSymName().str(), tokens); // before entries are made
    }
    if (tokens >= low.getInt() && tokens <= high.getInt()) {
      return std::pair(function.getSymName().str(), tokens);
    }
    if (high.getInt() > best.second) {
      best = {function.getSymName().str(), high.getInt()};
    }
  }
  if (best.second == 0) {
    return module.emitError("no entry of role '") << role << "'";
  }
  return best;
}

FailureOr<std::map<std::string, Tensor>> Session::step(ArrayRef<int64_t> ids, bool allRows,
                                                       const reference::Observer &observer) {
  auto count = static_cast<int64_t>(ids.size());
  auto entry = entryFor("step", count);
  if (failed(entry)) {
    return failure();
  }
  std::map<std::string, Tensor> inputs;
  inputs["ids"] = vectorOf(ids);
  inputs["positions"] = counted(position, count);
  inputs["requests"] = Tensor({count});
  inputs["rows"] = allRows ? counted(0, count) : counted(count - 1, 1);
  auto outputs = machine.run(entry->first, inputs, observer);
  position += count;
  return outputs;
}

LogicalResult Session::score(ArrayRef<int64_t> ids, Scores &scores) {
  // Hidden states come layer by layer for each chunk.
  std::map<int64_t, Tensor> hidden;
  auto observer = [&](StringRef name, int64_t layer, const Tensor &value) {
    if (name == "hidden") {
      appendRows(hidden[layer], value);
    } else {
      auto [router, what] = name.split('.');
      appendRows(scores[(router + "." + Twine(layer) + "." + what).str()], value);
    }
  };
  for (ArrayRef<int64_t> rest = ids; !rest.empty();) {
    int64_t wanted = std::min<int64_t>(chunk, static_cast<int64_t>(rest.size()));
    auto entry = entryFor("step", wanted);
    if (failed(entry)) {
      return failure();
    }
    auto taken = static_cast<size_t>(std::min(wanted, entry->second));
    auto outputs = step(rest.take_front(taken), /*allRows=*/true, observer);
    if (failed(outputs)) {
      return failure();
    }
    appendRows(scores["logits"], (*outputs)["logits"]);
    appendRows(scores["normed"], (*outputs)["normed"]);
    rest = rest.drop_front(taken);
  }
  Tensor &first = hidden[0];
  Tensor all({static_cast<int64_t>(hidden.size()), first.rows(), first.columns()});
  double *to = all.data();
  for (auto &[layer, value] : hidden) {
    to = std::copy(value.data(), value.data() + value.size(), to);
  }
  scores["hidden"] = all;
  return success();
}

LogicalResult Session::scoreMtp(ArrayRef<int64_t> ids, Scores &scores) {
  auto count = static_cast<int64_t>(ids.size()) - 1;
  const Tensor &normed = scores["normed"];
  if (count == 0) { // the tensor is there, without rows
    scores["mtp_logits"] = Tensor({0, scores["logits"].columns()});
  }
  for (int64_t begin = 0; begin < count;) {
    int64_t wanted = std::min(chunk, count - begin);
    auto entry = entryFor("mtp", wanted);
    if (failed(entry)) {
      return failure();
    }
    int64_t taken = std::min(wanted, entry->second);
    Tensor hidden({taken, normed.columns()});
    std::copy(normed.row(begin), normed.row(begin) + hidden.size(), hidden.data());
    std::map<std::string, Tensor> inputs;
    inputs["ids"] = vectorOf(ids.slice(static_cast<size_t>(begin) + 1, static_cast<size_t>(taken)));
    inputs["hidden"] = hidden;
    inputs["positions"] = counted(begin, taken);
    inputs["requests"] = Tensor({taken});
    inputs["rows"] = counted(0, taken);
    auto outputs = machine.run(entry->first, inputs);
    if (failed(outputs)) {
      return failure();
    }
    appendRows(scores["mtp_logits"], (*outputs)["logits"]);
    begin += taken;
  }
  return success();
}

FailureOr<std::vector<double>> Session::advance(ArrayRef<int64_t> ids) {
  std::vector<double> logits;
  for (ArrayRef<int64_t> rest = ids; !rest.empty();) {
    int64_t wanted = std::min<int64_t>(chunk, static_cast<int64_t>(rest.size()));
    auto entry = entryFor("step", wanted);
    if (failed(entry)) {
      return failure();
    }
    auto taken = static_cast<size_t>(std::min(wanted, entry->second));
    auto outputs = step(rest.take_front(taken), /*allRows=*/false, {});
    if (failed(outputs)) {
      return failure();
    }
    const Tensor &row = (*outputs)["logits"];
    logits.assign(row.data(), row.data() + row.size());
    rest = rest.drop_front(taken);
  }
  return logits;
}

} // namespace dsv3::interpret
