// FakeCublasLt.c - stands for libcublasLt.so.13, beside FakeDriver.c.
//
// Has four ways for each product: the first takes 9 microseconds, the second 5, the third is
// refused when it is ordered, the fourth is none although it comes with the others. Like the real
// one it has no product of FP8 with one row. Environment variables make it another: FAKE_CUBLASLT
// "refuses": no product at all; "finds-none": no way; "sleeps": it does not start;
//                "breaks": an internal error where a product is ordered
// FAKE_PRODUCTS  a file; it gets a line for each product that is ordered: columns, rows and depth,
// types
//                of both sides and the result, whether A is transposed, modes of both scales,
//                whether they are there, fast accumulation, alpha, beta, workspace
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { notInitialized = 1, internalError = 14, notSupported = 15, codes = 28, modes = 40 };

struct Operation {
  int32_t values[modes];
  const void *pointers[modes];
};
struct Layout {
  int type;
  uint64_t rows, columns;
};
struct Way {
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

static int is(const char *kind) {
  const char *wish = getenv("FAKE_CUBLASLT");
  return wish && strcmp(wish, kind) == 0;
}
int cublasLtCreate(void **handle) {
  *handle = malloc(1);
  return is("sleeps") ? notInitialized : 0;
}
int cublasLtDestroy(void *handle) {
  free(handle);
  return 0;
}
size_t cublasLtGetVersion(void) { return 130407; }
const char *cublasLtGetStatusName(int status) {
  return status == internalError ? "INTERNAL_ERROR_OF_A_TEST" : "AN_ERROR_OF_A_TEST";
}
int cublasLtMatmulDescCreate(struct Operation **operation, int compute, int scale) {
  (void)compute, (void)scale;
  *operation = calloc(1, sizeof **operation);
  return 0;
}
int cublasLtMatmulDescDestroy(struct Operation *operation) {
  free(operation);
  return 0;
}
int cublasLtMatmulDescSetAttribute(struct Operation *operation, int attribute, const void *value,
                                   size_t bytes) {
  memcpy(bytes == sizeof(void *) ? (void *)&operation->pointers[attribute]
                                 : (void *)&operation->values[attribute],
         value, bytes);
  return 0;
}
int cublasLtMatrixLayoutCreate(struct Layout **layout, int type, uint64_t rows, uint64_t columns,
                               int64_t leading) {
  *layout = malloc(sizeof **layout);
  **layout = (struct Layout){type, rows, columns};
  return (uint64_t)leading == rows ? 0 : internalError;
}
int cublasLtMatrixLayoutDestroy(struct Layout *layout) {
  free(layout);
  return 0;
}
int cublasLtMatmulPreferenceCreate(void **preference) {
  *preference = malloc(1);
  return 0;
}
int cublasLtMatmulPreferenceDestroy(void *preference) {
  free(preference);
  return 0;
}
int cublasLtMatmulPreferenceSetAttribute(void) { return 0; }

int cublasLtMatmulAlgoGetHeuristic(void *handle, const struct Operation *operation,
                                   const struct Layout *a, const struct Layout *b,
                                   const struct Layout *c, const struct Layout *d, void *preference,
                                   int most, struct Way *ways, int *count) {
  (void)handle, (void)operation, (void)c, (void)d, (void)preference;
  enum { all = 4 };
  if (is("refuses") || (a->type == codes && b->columns == 1)) {
    return notSupported;
  }
  *count = is("finds-none") ? 0 : most < all ? most : all;
  for (int i = 0; i < *count; ++i) {
    ways[i] = (struct Way){.algorithm = {(uint64_t)i}, .state = i == 3 ? notSupported : 0};
  }
  return 0;
}

/// The driver of the test is told how long it takes.
static void take(int microseconds) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  void *found = driver ? dlsym(driver, "fakeTakes") : NULL;
  void (*takes)(int) = NULL;
  if (!found) {
    abort();
  }
  memcpy(&takes, &found, sizeof takes);
  takes(microseconds);
}
int cublasLtMatmul(void *handle, const struct Operation *operation, const float *alpha,
                   const void *left, const struct Layout *a, const void *right,
                   const struct Layout *b, const float *beta, const void *added,
                   const struct Layout *c, void *result, const struct Layout *d,
                   const uint64_t *algorithm, void *workspace, size_t workspaceBytes,
                   void *stream) {
  (void)handle, (void)left, (void)right, (void)added, (void)c, (void)result, (void)stream;
  static const int takes[] = {9, 5, 0, 1};
  enum { transA = 3, scaleOfA = 17, scaleOfB = 18, fast = 25, modeOfA = 31, modeOfB = 32 };
  if (is("breaks")) {
    return internalError;
  }
  const char *path = getenv("FAKE_PRODUCTS");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%lu %lu %lu %d %d %d %d %d %d %d %d %g %g %zu\n", a->columns, b->columns,
            a->rows, a->type, b->type, d->type, operation->values[transA],
            operation->values[modeOfA], operation->values[modeOfB],
            operation->pointers[scaleOfA] && operation->pointers[scaleOfB], operation->values[fast],
            *alpha, *beta, workspace ? workspaceBytes : 0);
    fclose(file);
  }
  take(takes[algorithm[0]]);
  return algorithm[0] == 2 ? notSupported : 0;
}
