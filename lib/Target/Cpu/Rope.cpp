//===- Rope.cpp - rotary tables, rotation and the append to the cache -----===//
#include "KernelCode.h"

using namespace mlir;

namespace dsv3::cpu {

/// A table of f32 beside the code.
static Memory constantTable(const KernelCode &kernel, ArrayRef<float> values, StringRef suffix) {
  Code &code = kernel.code;
  OpBuilder &b = code.builder;
  auto module = code.builder.getBlock()->getParentOp()->getParentOfType<ModuleOp>();
  kern::DefOp definition = kernel.definition;
  std::string name = (definition.getSymName() + "." + suffix).str();
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(code.f32(), values.size());
    auto data = DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(values.size())}, code.f32()), values);
    if (!module.lookupSymbol(name)) {
      LLVM::GlobalOp::create(b, code.loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                             data);
    }
  }
  Value address =
      LLVM::AddressOfOp::create(b, code.loc, LLVM::LLVMPointerType::get(b.getContext()), name);
  return {code, address, code.f32()};
}

void emitRopeTable(const KernelCode &kernel, kern::RopeTableOp op, Num tile) {
  Code &code = kernel.code;
  OpBuilder &b = code.builder;
  ArrayRef<float> frequencies = op.getInverseFrequencies();
  Memory table = constantTable(kernel, frequencies, "frequencies");
  Memory positions = kernel.memory(op.getPositions());
  Rows cosines = kernel.rows(op.getCosDestination()), sines = kernel.rows(op.getSinDestination());
  auto pairs = static_cast<int64_t>(frequencies.size());
  Value multiplier = arith::ConstantOp::create(
      b, code.loc, b.getF64FloatAttr(static_cast<double>(op.getMultiplier().convertToFloat())));
  kernel.forRows(op.getCos(), tile, [&](Num t) {
    Value position =
        arith::SIToFPOp::create(b, code.loc, code.f32(), (positions + t).integer().value);
    code.loop(code.integer(0), code.integer(pairs), 1, [&](Num i) {
      // The angle is an f32, as in the published code.
      auto [cosine, sine] = code.cosSin(code.wrap(position) * (table + i).floats(1));
      auto store = [&](const Rows &to, Value value) {
        Value scaled = arith::MulFOp::create(b, code.loc, value, multiplier);
        (to.row(t) + i).store(code.wrap(arith::TruncFOp::create(b, code.loc, code.f32(), scaled)));
      };
      store(cosines, cosine);
      store(sines, sine);
    });
  });
}

/// to[2i], to[2i+1] = the pair from[2i], from[2i+1] turned by angle i.
static void emitRotation(Code &code, Memory from, Memory to, Memory cosines, Memory sines,
                         int64_t pairs) {
  code.loop(code.integer(0), code.integer(pairs), 1, [&](Num i) {
    Num x = (from + i * 2).floats(1), y = (from + (i * 2 + 1)).floats(1);
    Num c = (cosines + i).floats(1), s = (sines + i).floats(1);
    (to + i * 2).store(x * c - y * s);
    (to + (i * 2 + 1)).store(x * s + y * c);
  });
}

void emitRopeAppend(const KernelCode &kernel, kern::RopeAppendOp op, Num tile) {
  Code &code = kernel.code;
  CachePages cache = kernel.cache(op.getCache());
  auto latent = static_cast<int64_t>(cache.type.getLatent());
  auto rope = static_cast<int64_t>(cache.type.getRope());
  Rows query = kernel.rows(op.getQuery()), kv = kernel.rows(op.getKv());
  Rows out = kernel.rows(op.getDestination());
  Rows cosines = kernel.rows(op.getCos()), sines = kernel.rows(op.getSin());
  Memory weight = kernel.memory(op.getWeight());
  Memory positions = kernel.memory(op.getPositions()), requests = kernel.memory(op.getRequests());
  int64_t heads = cast<RankedTensorType>(op.getResult().getType()).getDimSize(1);
  Num zero = code.integer(0);

  auto append = [&](Num t, Memory to) {
    Memory from = kv.row(t);
    Var total = code.variable(code.number(0.0));
    Var lanes = code.variable(code.zeros(code.lanes()));
    code.columns(latent, [&](Num i, int64_t width) {
      Num x = (from + i).floats(width);
      if (width == code.lanes()) {
        lanes.set(code.fma(x, x, lanes.get()));
      } else {
        total.set(code.sumOf(x * x));
      }
    });
    Num mean = (total.get() + code.sumOf(lanes.get())) / code.number(static_cast<double>(latent));
    Num scale = code.number(1.0) / code.sqrt(mean + code.number(op.getEps().convertToDouble()));
    code.columns(latent, [&](Num i, int64_t width) {
      Num normed = (from + i).floats(width) * code.splat(scale, width);
      (to + i).store(normed * (weight + i).floats(width));
    });
    emitRotation(code, from + latent, to + latent, cosines.row(t), sines.row(t), rope / 2);
  };

  kernel.forRows(op.getResult(), tile, [&](Num t) {
    code.loop(zero, code.integer(heads), 1, [&](Num h) {
      emitRotation(code, query.row(t, h), out.row(t, h), cosines.row(t), sines.row(t), rope / 2);
    });
    kernel.checkedToken(cache, positions, requests, t, [&](TokenPlace place) {
      kernel.checkedPage(cache, place.request, place.position / cache.pageTokens(),
                         [&](Memory page) {
                           append(t, page + place.position % cache.pageTokens() * cache.width());
                         });
    });
  });
}

} // namespace dsv3::cpu
