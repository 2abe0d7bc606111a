//===- ValidateForm.cpp - is there one way to write a plan ----------------===//
//
// Checks that say nothing about what a plan does, only about how it is written.
//
//===----------------------------------------------------------------------===//

#include "ValidateForm.h"

#include "ValidateParameter.h"

#include <algorithm>
#include <set>

using namespace dsv3;
using namespace dsv3::plan;
using plan::detail::bad;

/// Each element of `list` has a name of its own; `within` is where the list is.
template <typename T>
static Status checkNames(const std::vector<T> &list, std::string T::*name, const char *what,
                         const std::string &within) {
  std::set<std::string> names;
  for (const T &element : list) {
    if ((element.*name).empty() || !names.insert(element.*name).second) {
      return bad(within + what + " '" + element.*name + "'", "expected a name of its own");
    }
  }
  return {};
}

static Status checkLayout(const Parameter &parameter) {
  for (const Layout &layout : parameter.layouts) {
    if (layout.kind == LayoutKind::RowMajor && layout.panelWidth != 0) {
      return bad("parameter '" + parameter.name + "'",
                 "expected panel width 0 of a row-major layout, found " +
                     std::to_string(layout.panelWidth));
    }
  }
  return {};
}

static Status checkKernel(const Kernel &kernel) {
  std::string where = "kernel '" + kernel.symbol + "'";
  if (std::set<int32_t>(kernel.sizes.begin(), kernel.sizes.end()).size() != kernel.sizes.size()) {
    return bad(where, "expected each size once");
  }
  for (const KernelVariant &variant : kernel.variants) {
    const TileCount &tiles = variant.tiles;
    if (tiles.size < 0 && tiles != TileCount{-1, 1, 1, 1, tiles.plus}) {
      return bad(where, "expected size -1, factor, divisor and times 1 of a constant number of "
                        "tiles, found " +
                            std::to_string(tiles.size) + ", " + std::to_string(tiles.factor) +
                            ", " + std::to_string(tiles.divisor) + " and " +
                            std::to_string(tiles.times));
    }
  }
  return {};
}

static Status checkArgs(const std::vector<Instruction> &instructions, const std::string &where) {
  for (const Instruction &instruction : instructions) {
    for (const Arg &arg : instruction.args) {
      bool indexed = arg.kind != ArgKind::Arena && arg.kind != ArgKind::Cache &&
                     arg.kind != ArgKind::PageTable;
      if (!indexed && arg.index != 0) {
        return bad(where, "expected index 0 of arena, cache and page table, found " +
                              std::to_string(arg.index));
      }
    }
  }
  return {};
}

static Status checkEntry(const Entry &entry) {
  std::string where = "entry '" + entry.name + "'";
  if (Status status = checkNames(entry.bodies, &Body::name, "body", where + ", "); !status) {
    return status;
  }
  if (Status status =
          checkNames(entry.observations, &Observation::name, "observation", where + ", ");
      !status) {
    return status;
  }
  if (Status status = checkArgs(entry.instructions, where); !status) {
    return status;
  }
  for (const Body &body : entry.bodies) {
    if (Status status = checkArgs(body.instructions, where + ", body '" + body.name + "'");
        !status) {
      return status;
    }
  }
  return {};
}

Status plan::detail::checkForm(const Plan &plan) {
  if (Status status = checkNames(plan.kernels, &Kernel::symbol, "kernel", ""); !status) {
    return status;
  }
  if (Status status = checkNames(plan.entries, &Entry::name, "entry", ""); !status) {
    return status;
  }
  for (const Parameter &parameter : plan.parameters) {
    if (Status status = checkLayout(parameter); !status) {
      return status;
    }
  }
  for (const Kernel &kernel : plan.kernels) {
    if (Status status = checkKernel(kernel); !status) {
      return status;
    }
  }
  for (const Entry &entry : plan.entries) {
    if (Status status = checkEntry(entry); !status) {
      return status;
    }
  }
  return {};
}
