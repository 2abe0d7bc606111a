//===- Interpret.cpp - a kernel on the reference interpreter --------------===//
#include "KernelRun.h"

#include "dsv3/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace dsv3::differential {

/// An entry function that launches the definition alone; inputs and outputs have the
/// numbers of their arguments as names.
static func::FuncOp makeEntry(kern::DefOp definition) {
  auto module = definition->getParentOfType<ModuleOp>();
  module.getContext()->loadDialect<func::FuncDialect>(); // a module of kernels may lack it
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = definition.getLoc();
  SmallVector<Type> inputs, outputs;
  for (BlockArgument argument : definition.getInputs()) {
    inputs.push_back(argument.getType());
  }
  for (BlockArgument argument : definition.getDestinations()) {
    outputs.push_back(argument.getType());
  }
  auto function =
      func::FuncOp::create(builder, loc, "differential", builder.getFunctionType(inputs, outputs));
  function->setAttr(graph::entryAttrName, builder.getDictionaryAttr({}));
  for (unsigned i = 0; i < inputs.size(); ++i) {
    function.setArgAttr(i, graph::nameAttrName, builder.getStringAttr(std::to_string(i)));
  }
  for (unsigned i = 0; i < outputs.size(); ++i) {
    function.setResultAttr(i, graph::nameAttrName, builder.getStringAttr(std::to_string(i)));
  }
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  SmallVector<Value> destinations;
  for (Type type : outputs) {
    destinations.push_back(kern::EmptyOp::create(builder, loc, type));
  }
  auto launch = kern::LaunchOp::create(builder, loc, outputs, definition.getSymName(),
                                       block->getArguments(), destinations);
  func::ReturnOp::create(builder, loc, launch.getResults());
  return function;
}

KernelResults interpret(kern::DefOp definition, const KernelInputs &inputs) {
  func::FuncOp entry = makeEntry(definition);
  reference::Interpreter machine(definition->getParentOfType<ModuleOp>(), {},
                                 reference::Precision::F32);
  for (size_t request = 0; request < inputs.cached.size(); ++request) {
    for (size_t s = 0; s < inputs.cached[request].size(); ++s) {
      machine.cache().append(-1, static_cast<int64_t>(request), static_cast<int64_t>(s),
                             inputs.cached[request][s]);
    }
  }
  std::map<std::string, reference::Tensor> named;
  for (size_t i = 0; i < inputs.tensors.size(); ++i) {
    named[std::to_string(i)] = inputs.tensors[i];
  }
  auto outputs = machine.run("differential", named);
  entry.erase();
  KernelResults results;
  if (failed(outputs)) {
    ADD_FAILURE() << "the interpreter refused " << definition.getSymName().str();
    return results;
  }
  for (size_t i = 0; i < definition.getDestinations().size(); ++i) {
    const reference::Tensor &tensor = (*outputs)[std::to_string(i)];
    results.emplace_back(tensor.data(), tensor.data() + tensor.size());
  }
  if (auto append = dyn_cast<kern::RopeAppendOp>(definition.getCore())) {
    std::vector<double> rows;
    const reference::Tensor &positions =
        inputs.tensors[cast<BlockArgument>(append.getPositions()).getArgNumber()];
    const reference::Tensor &requests =
        inputs.tensors[cast<BlockArgument>(append.getRequests()).getArgNumber()];
    for (int64_t t = 0; t < positions.size(); ++t) {
      const std::vector<double> *row = machine.cache().find(-1, static_cast<int64_t>(requests[t]),
                                                            static_cast<int64_t>(positions[t]));
      rows.insert(rows.end(), row->begin(), row->end());
    }
    results.push_back(std::move(rows));
  }
  return results;
}

} // namespace dsv3::differential
