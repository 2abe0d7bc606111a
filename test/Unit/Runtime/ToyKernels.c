/*===- ToyKernels.c - kernels of the toy model -----------------------------===*
 *
 * ToyModel.h says what the model computes. Each tile is a row. All numbers are
 * small multiples of powers of two, so that sums are exact in any order.
 *
 *===----------------------------------------------------------------------===*/
#include "ToyShape.h"

#include <stdint.h>

#define KERNEL(name)                                                                               \
  int32_t name(const void *const *args, const int64_t *sizes, uint32_t begin, uint32_t end,        \
               void *scratch);                                                                     \
  int32_t name(const void *const *args, const int64_t *sizes, uint32_t begin, uint32_t end,        \
               void *scratch)
#define UNUSED(value) (void)(value)

static float *cacheRow(const void *pages, const int32_t *table, int32_t request, int32_t position) {
  int32_t page = table[request * toyMaxPages + position / toyPageTokens];
  return (float *)pages + (page * toyPageTokens + position % toyPageTokens) * toyHidden;
}

/* ids, table, hidden. */
KERNEL(toy_embed) {
  UNUSED(sizes), UNUSED(scratch);
  const int32_t *ids = args[0];
  const float *table = args[1];
  float *hidden = (float *)args[2];
  for (uint32_t t = begin; t < end; ++t) {
    if (ids[t] < 0 || ids[t] >= toyVocabulary) {
      return 1;
    }
    for (int j = 0; j < toyHidden; ++j) {
      hidden[t * toyHidden + j] = table[ids[t] * toyHidden + j];
    }
  }
  return 0;
}

/* ids, table, hidden, sum: the MTP module's input. */
KERNEL(toy_join) {
  UNUSED(sizes), UNUSED(scratch);
  const int32_t *ids = args[0];
  const float *table = args[1], *hidden = args[2];
  float *sum = (float *)args[3];
  for (uint32_t t = begin; t < end; ++t) {
    for (int j = 0; j < toyHidden; ++j) {
      sum[t * toyHidden + j] = table[ids[t] * toyHidden + j] + hidden[t * toyHidden + j];
    }
  }
  return 0;
}

/* hidden, positions, requests, pages, page table. */
KERNEL(toy_append) {
  UNUSED(sizes), UNUSED(scratch);
  const float *hidden = args[0];
  const int32_t *positions = args[1], *requests = args[2];
  for (uint32_t t = begin; t < end; ++t) {
    float *row = cacheRow(args[3], args[4], requests[t], positions[t]);
    for (int j = 0; j < toyHidden; ++j) {
      row[j] = hidden[t * toyHidden + j];
    }
  }
  return 0;
}

/* hidden, positions, requests, pages, page table, weight, result. The sum over
   the cache is gathered in the scratch. */
KERNEL(toy_attend) {
  UNUSED(sizes);
  const float *hidden = args[0], *weight = args[5];
  const int32_t *positions = args[1], *requests = args[2];
  float *result = (float *)args[6], *sum = scratch;
  for (uint32_t t = begin; t < end; ++t) {
    for (int j = 0; j < toyHidden; ++j) {
      sum[j] = 0;
    }
    for (int32_t p = 0; p <= positions[t]; ++p) {
      const float *row = cacheRow(args[3], args[4], requests[t], p);
      for (int j = 0; j < toyHidden; ++j) {
        sum[j] += row[j] * (float)(p % 3 + 1);
      }
    }
    for (int j = 0; j < toyHidden; ++j) {
      result[t * toyHidden + j] = hidden[t * toyHidden + j] + weight[j] * sum[j];
    }
  }
  return 0;
}

/* hidden, rows, logits, normed; sizes are T and O. */
KERNEL(toy_head) {
  UNUSED(scratch);
  const float *hidden = args[0];
  const int32_t *rows = args[1];
  float *logits = (float *)args[2], *normed = (float *)args[3];
  for (uint32_t o = begin; o < end; ++o) {
    if (rows[o] < 0 || rows[o] >= sizes[0]) {
      return 2;
    }
    for (int j = 0; j < toyHidden; ++j) {
      normed[o * toyHidden + j] = hidden[rows[o] * toyHidden + j] / 2;
    }
    for (int v = 0; v < toyVocabulary; ++v) {
      float sum = 0;
      for (int j = 0; j < toyHidden; ++j) {
        sum += normed[o * toyHidden + j] * (float)((v * 7 + j * 3) % 11 - 5);
      }
      logits[o * toyVocabulary + v] = sum;
    }
  }
  return 0;
}

/* logits, sampling, tokens. */
KERNEL(toy_choose) {
  UNUSED(sizes), UNUSED(scratch);
  const float *logits = args[0];
  int32_t *tokens = (int32_t *)args[2];
  for (uint32_t o = begin; o < end; ++o) {
    const uint32_t *words = (const uint32_t *)args[1] + o * 7;
    int32_t limit = (int32_t)words[0];
    tokens[o] = limit > 0 ? 0 : -1;
    for (int32_t v = 1; v < limit; ++v) {
      if (logits[o * toyVocabulary + v] > logits[o * toyVocabulary + tokens[o]]) {
        tokens[o] = v;
      }
    }
    if (words[1] != 0) {
      uint32_t all = words[1] + words[2] + words[3] + words[4] + words[5] + words[6];
      tokens[o] = (int32_t)(all % words[0]);
    }
  }
  return 0;
}
