// FakeDriver.c - stands for libcuda.so.1 where there is no GPU.
//
// Has one GPU, of compute capability 9.0, that computes nothing and, asked by the environment
// variables FAKE_LOAD and FAKE_HOST_ALLOCATION, answers to every module that is loaded, or to
// wishes for memory of the host, with that error. A line for each launch goes to the file that
// FAKE_LAUNCHES names: the numbers of its attributes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void); // any, for casts

static int succeed(void) { return 0; }
static int countDevices(int *count) {
  *count = 1;
  return 0;
}
static int nameDevice(char *name, int bytes, int device) {
  (void)device;
  strncpy(name, "a GPU of a test", (size_t)bytes);
  return 0;
}
static int attribute(int *value, int which, int device) {
  (void)device;
  enum { capabilityMajor = 75 };
  *value = which == capabilityMajor ? 9 : 0;
  return 0;
}
static int loadModule(void **module, const void *image) {
  (void)image;
  *module = 0;
  const char *answer = getenv("FAKE_LOAD");
  return answer ? atoi(answer) : 0;
}
static int nameError(int error, const char **name) {
  (void)error;
  *name = "AN_ERROR_OF_A_TEST";
  return 0;
}
static int memory(size_t *free, size_t *total) {
  *free = *total = (size_t)1 << 34;
  return 0;
}
static int allocate(uint64_t *place, size_t bytes) {
  (void)bytes;
  *place = 4096;
  return 0;
}
static int allocateOnHost(void **place, size_t bytes, unsigned flags) {
  enum { deviceMap = 2, invalidValue = 1 };
  const char *answer = getenv("FAKE_HOST_ALLOCATION");
  *place = malloc(bytes);
  return answer ? atoi(answer) : flags == deviceMap ? 0 : invalidValue;
}
static int freeOnHost(void *place) {
  free(place);
  return 0;
}
static int mapToDevice(uint64_t *place, void *onHost, unsigned flags) {
  (void)flags;
  *place = (uint64_t)onHost;
  return 0;
}

/// No kernel has failed, and every number is NaN.
static int copyToHost(void *to, uint64_t from, size_t bytes, void *stream) {
  (void)from, (void)stream;
  memset(to, 0xFF, bytes);
  return 0;
}

/// Beginnings of cuda.h's CUlaunchConfig and CUlaunchAttribute.
struct Attribute {
  int id;
  char rest[68];
};
struct Launch {
  unsigned blocks[3], threads[3], shared;
  void *stream;
  const struct Attribute *attributes;
  unsigned count;
};
static int launch(const struct Launch *how, void *function, void **parameters, void **extra) {
  (void)function, (void)parameters, (void)extra;
  const char *path = getenv("FAKE_LAUNCHES");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    for (unsigned i = 0; i < how->count; ++i) {
      fprintf(file, "%d ", how->attributes[i].id);
    }
    fputc('\n', file);
    fclose(file);
  }
  return 0;
}

int cuGetProcAddress_v2(const char *name, void **address, int version, uint64_t flags, int *state) {
  (void)version, (void)flags, (void)state;
  static const struct {
    const char *name;
    Function function;
  } known[] = {{"cuDeviceGetCount", (Function)countDevices},
               {"cuDeviceGetName", (Function)nameDevice},
               {"cuDeviceGetAttribute", (Function)attribute},
               {"cuModuleLoadData", (Function)loadModule},
               {"cuGetErrorName", (Function)nameError},
               {"cuGetErrorString", (Function)nameError},
               {"cuMemGetInfo", (Function)memory},
               {"cuMemAlloc", (Function)allocate},
               {"cuMemHostAlloc", (Function)allocateOnHost},
               {"cuMemFreeHost", (Function)freeOnHost},
               {"cuMemHostGetDevicePointer", (Function)mapToDevice},
               {"cuMemcpyDtoHAsync", (Function)copyToHost},
               {"cuLaunchKernelEx", (Function)launch}};
  Function found = (Function)succeed;
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    found = strcmp(known[i].name, name) == 0 ? known[i].function : found;
  }
  memcpy(address, &found, sizeof found);
  return 0;
}
