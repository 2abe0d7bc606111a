//===- keys.cuh - the keys of a block of absorbed attention -----*- C++ -*-===//
//
// A block has a token, some of its heads and one of `parts` of the pages that the token sees,
// which are divided by its position alone, no fewer than `leastPages` in each; with no parts it has
// all of them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/tile/cache.cuh"

namespace dsv3::gpu {

/// Pages of each part of a token's (kern.latent_attention).
template <int parts, int leastPages>
__device__ constexpr int pagesOfPart(int pages) {
  int each = int(ceilDiv(pages, parts > 0 ? parts : 1));
  return each > leastPages ? each : leastPages;
}

template <int heads, int allHeads, int parts, int leastPages, typename C>
struct BlockKeys {
  static constexpr int tiles = int(ceilDiv(allHeads, heads)), partCount = parts > 0 ? parts : 1;

  Launch launch;
  C cache;
  int64 row;
  int part, firstHead, position, request, firstPage, endPage;

  __device__ BlockKeys(Launch launch, C cache, const int32 *positions, const int32 *requests)
      : launch(launch), cache(cache), row(blockIndex() / (tiles * partCount)),
        part(int(blockIndex() / tiles % partCount)), firstHead(int(blockIndex() % tiles) * heads),
        position(positions[row]), request(requests[row]) {
    int pages = position / C::pageTokens + 1, ofPart = pagesOfPart<parts, leastPages>(pages);
    firstPage = part * ofPart;
    endPage = firstPage + ofPart < pages ? firstPage + ofPart : pages;
  }

  /// Whether position and request can be right; says so if not.
  __device__ bool checked() const { return cache.checked(launch, position, request); }
  /// The page of number `index`, null, after it was reported, if there is none.
  __device__ auto *page(int index) const { return cache.page(launch, request, index); }
  /// Keys that the token sees, of `count` from position `start` on, some of which it does.
  __device__ int visible(int start, int count) const {
    int left = position + 1 - start;
    return left < count ? left : count;
  }

  /// Where what the part says of a head begins: sums of latents, largest score, sum of weights.
  template <typename Out>
  __device__ auto *partialOf(Out out, int head) const {
    return out.at(row, firstHead + head) + part * (C::latent + 2);
  }
  /// A part without keys says that its sum is 0; what else is of it has no meaning.
  template <typename Out>
  __device__ bool leftNothing(Out out, int threads) const {
    if constexpr (parts > 0) {
      if (firstPage >= endPage) {
        for (int h = threadIndex(); h < heads && firstHead + h < allHeads; h += threads) {
          partialOf(out, h)[C::latent + 1] = 0.0f;
        }
        return true;
      }
    }
    return false;
  }
};

} // namespace dsv3::gpu
