//===- LatentPartsTest.cpp - how the keys of a token are divided ----------===//
//
// Parts of absorbed attention on CPUs, with fewer pages than parts, and with pages that a part has
// at the least.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

TEST(LatentParts, HaveThePagesThatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  for (auto [parts, pages] : {std::pair{3, 1}, {3, 2}, {2, 3}, {16, 2}}) {
    std::string text = llvm::formatv(R"(
#T = #dsv3.dims<"T">
!q = tensor<?x4x32xf32, #T>
!r = tensor<?x4x8xf32, #T>
!i = tensor<?xi32, #T>
!o = tensor<?x4x{2}xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 16, context = 200, requests = 3>
kern.def @latent kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %pos: !i, %req: !i, %cache: !cache) outs(%o: !o) attributes {{maxima = [#dsv3.size<"T", max = 16>]} {{
  %y = kern.latent_attention ins(%q, %r, %pos, %req : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !o) scale 1.3e-01 parts {0} pages {1} -> !o
  kern.yield %y : !o
}
)",
                                     parts, pages, parts * 34);
    OwningOpRef<ModuleOp> module = configured(text, context);
    ASSERT_TRUE(module);
    compareKernels(*module);
  }
}
