//===- Resolve.cpp - an entry of a plan with addresses --------------------===//

#include "runtime/plan/Resolve.h"

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

/// Appends the instructions of one entry to a program.
class Resolver {
public:
  Resolver(const plan::Plan &plan, const plan::Entry &entry, const EntryAddresses &addresses)
      : plan(plan), entry(entry), addresses(addresses) {}

  Status append(std::span<const plan::Instruction> instructions, int64_t layer,
                std::span<const Address> formals);
  void addTables(size_t variant);

  Program program;

private:
  Expected<Address> addressOf(const plan::Arg &arg, int64_t layer,
                              std::span<const Address> formals) const;
  Expected<Address> weight(const plan::Arg &arg, int64_t layer) const;

  const plan::Plan &plan;
  const plan::Entry &entry;
  const EntryAddresses &addresses;
};

} // namespace

static Address offsetBy(Address base, int64_t bytes) {
  return static_cast<std::byte *>(base) + bytes;
}

void Resolver::addTables(size_t variant) {
  program.name = entry.name;
  program.sizeCount = int32_t(plan.sizes.size());
  for (const plan::Kernel &kernel : plan.kernels) {
    const plan::KernelVariant &compiled = kernel.variants[variant];
    program.kernels.push_back({kernel.symbol, kernel.sizes, compiled.tiles, compiled.scratchBytes});
  }
  for (const plan::Observation &known : entry.observations) {
    program.observations.push_back({known.size, known.columns * int64_t(byteSize(known.type))});
  }
}

Expected<Address> Resolver::weight(const plan::Arg &arg, int64_t layer) const {
  const plan::Parameter &parameter = plan.parameters[size_t(arg.index)];
  bool scales = arg.kind == plan::ArgKind::Scales;
  const auto &find = scales ? addresses.parameters.scales : addresses.parameters.data;
  int64_t itsLayer = parameter.layers.empty() ? -1 : layer;
  const void *found = find ? find(arg.index, itsLayer) : nullptr;
  if (!found) {
    return Failure{std::string("expected ") + (scales ? "scales" : "a weight") +
                       " in memory, found none",
                   "parameter '" + parameter.name + "'" +
                       (itsLayer < 0 ? "" : " of layer " + std::to_string(itsLayer))};
  }
  // Kernels only read weights; Address has no const twin.
  return const_cast<Address>(found);
}

Expected<Address> Resolver::addressOf(const plan::Arg &arg, int64_t layer,
                                      std::span<const Address> formals) const {
  switch (arg.kind) {
  case plan::ArgKind::Arena:
    return offsetBy(addresses.arena, arg.offset);
  case plan::ArgKind::Formal:
    return formals[size_t(arg.index)];
  case plan::ArgKind::Input:
    return addresses.inputs[size_t(arg.index)];
  case plan::ArgKind::Output:
    return addresses.outputs[size_t(arg.index)];
  case plan::ArgKind::Cache:
    return offsetBy(addresses.cache, layer * addresses.cacheLayerBytes);
  case plan::ArgKind::PageTable:
    return addresses.pageTable;
  case plan::ArgKind::Parameter:
  case plan::ArgKind::Scales:
    return weight(arg, layer);
  }
  return Failure{"an argument of an unknown kind", "entry '" + entry.name + "'"};
}

Status Resolver::append(std::span<const plan::Instruction> instructions, int64_t layer,
                        std::span<const Address> formals) {
  for (const plan::Instruction &instruction : instructions) {
    // Outside of a body an instruction names its layer, inside the call does.
    int64_t here = instruction.layer >= 0 ? instruction.layer : layer;
    std::vector<Address> args;
    for (const plan::Arg &arg : instruction.args) {
      Expected<Address> address = addressOf(arg, here, formals);
      if (!address) {
        return address.status();
      }
      args.push_back(*address);
    }
    if (instruction.opcode == plan::Opcode::Call) {
      const plan::Body &body = entry.bodies[size_t(instruction.target)];
      if (Status status = append(body.instructions, here, args); !status) {
        return status;
      }
      continue;
    }
    Command command;
    command.kind =
        instruction.opcode == plan::Opcode::Launch ? Command::Kind::Launch : Command::Kind::Observe;
    command.target = instruction.target;
    command.layer = here;
    command.firstArg = uint32_t(program.args.size());
    program.commands.push_back(command);
    program.args.insert(program.args.end(), args.begin(), args.end());
  }
  return {};
}

Expected<Program> runtime::resolve(const plan::Plan &plan, const plan::Entry &entry, size_t variant,
                                   const EntryAddresses &addresses) {
  Resolver resolver(plan, entry, addresses);
  resolver.addTables(variant);
  if (Status status = resolver.append(entry.instructions, -1, {}); !status) {
    return status;
  }
  return std::move(resolver.program);
}
