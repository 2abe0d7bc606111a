// FakeDriver.c - stands for libcuda.so.1 where there is no GPU.
//
// Has one GPU, of compute capability 9.0, that computes nothing: every number is NaN. Environment
// variables make it another:
// FAKE_CAPABILITY  8.0, say, as "80"
// FAKE_FREE        bytes of memory that it says are free
// FAKE_ZEROS       numbers are 0
// FAKE_MARK        what its kernels report: number of the launch << 32 | ~code
// FAKE_ANSWER      "cuMemAlloc 3 2": from its call 3 on, the first being 0, this function answers
//                  with error 2; "… after cuGraphLaunch": calls count after the first of that
// FAKE_LAUNCHES    a file; it gets a line for each launch: the numbers of its attributes
// FAKE_MAPS        a file; it gets a line for each tensor map: rows of the matrix, and of a box
// FAKE_MEMORY      a file; it gets a line for each allocation that ends: its bytes, what was copied
//                  to it in how many copies, and a hash of what it holds
//
// A launch takes 3 microseconds, or 2 where nothing that is larger than caches was cleared since
// the one before; clearing memory takes 100, all else nothing; other libraries of the tests say
// with fakeTakes how long what they order takes. Events know the sum.
//
// What is copied from page-locked memory is read as late as a GPU may: when an event behind the
// copy, or the stream, is waited for.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void); // any, for casts

/// What `function` answers to this call.
static int answer(const char *function) {
  static int calls = 0, begun = 0;
  const char *wish = getenv("FAKE_ANSWER");
  char name[64], before[64] = "";
  int first = 0, error = 0;
  int words = wish ? sscanf(wish, "%63s %d %d after %63s", name, &first, &error, before) : 0;
  begun |= words == 3 || strcmp(before, function) == 0;
  int wished = words >= 3 && begun && strcmp(name, function) == 0 && calls++ >= first;
  return wished ? error : 0;
}

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
  enum { capabilityMajor = 75, capabilityMinor = 76 };
  const char *wish = getenv("FAKE_CAPABILITY");
  int capability = wish ? atoi(wish) : 90;
  *value = which == capabilityMajor   ? capability / 10
           : which == capabilityMinor ? capability % 10
                                      : 0;
  return 0;
}
static int loadModule(void **module, const void *image) {
  (void)image;
  *module = 0;
  return answer("cuModuleLoadData");
}
static int nameError(int error, const char **name) {
  (void)error;
  *name = "AN_ERROR_OF_A_TEST";
  return 0;
}
static int memory(size_t *free, size_t *total) {
  const char *wish = getenv("FAKE_FREE");
  *free = *total = wish ? strtoull(wish, NULL, 10) : (size_t)1 << 34;
  return 0;
}

enum { mostBlocks = 256, mostCopies = 64, invalidValue = 1 };
struct Block {
  char *begin;
  size_t bytes, copied, copies;
};
static struct Block onDevice[mostBlocks], onHost[mostBlocks];
struct Copy {
  char *to;
  const char *from;
  size_t bytes, number;
};
static struct Copy pending[mostCopies];
static size_t pendingCount, copyCount;

static struct Block *blockOf(struct Block *blocks, const char *place) {
  for (int i = 0; i < mostBlocks; ++i) {
    if (blocks[i].begin && place >= blocks[i].begin && place < blocks[i].begin + blocks[i].bytes) {
      return blocks + i;
    }
  }
  return NULL;
}
static void addBlock(struct Block *blocks, char *begin, size_t bytes) {
  for (int i = 0; i < mostBlocks; ++i) {
    if (!blocks[i].begin) {
      blocks[i] = (struct Block){begin, bytes, 0, 0};
      return;
    }
  }
  abort();
}
/// Makes the copies up to that number.
static void makeCopies(size_t last) {
  size_t left = 0;
  for (size_t i = 0; i < pendingCount; ++i) {
    if (pending[i].number <= last) {
      memcpy(pending[i].to, pending[i].from, pending[i].bytes);
    } else {
      pending[left++] = pending[i];
    }
  }
  pendingCount = left;
}
static int copyToDevice(uint64_t to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  struct Block *block = blockOf(onDevice, (char *)to);
  if (!block || (char *)to + bytes > block->begin + block->bytes) {
    return invalidValue;
  }
  block->copied += bytes, ++block->copies;
  struct Copy copy = {(char *)to, from, bytes, ++copyCount};
  if (pendingCount == mostCopies) {
    makeCopies(pending[0].number);
  }
  pending[pendingCount++] = copy;
  if (!blockOf(onHost, from)) {
    makeCopies(copyCount);
  }
  return answer("cuMemcpyHtoDAsync");
}
static long microseconds;
static int cold; // caches
void fakeTakes(int more) { microseconds += more; }
struct Event {
  size_t copies;
  long at;
};
static int createEvent(struct Event **event, unsigned flags) {
  (void)flags;
  *event = calloc(1, sizeof **event);
  return answer("cuEventCreate");
}
static int recordEvent(struct Event *event, void *stream) {
  (void)stream;
  event->copies = copyCount;
  event->at = microseconds;
  return answer("cuEventRecord");
}
static int waitForEvent(const struct Event *event) {
  makeCopies(event->copies);
  return answer("cuEventSynchronize");
}
static int elapsed(float *milliseconds, const struct Event *from, const struct Event *to) {
  *milliseconds = (float)(to->at - from->at) / 1000;
  return answer("cuEventElapsedTime");
}
static int clear(uint64_t place, unsigned char value, size_t bytes, void *stream) {
  (void)place, (void)value, (void)stream;
  cold |= bytes >= (size_t)256 << 20;
  fakeTakes(100);
  return answer("cuMemsetD8Async");
}
static int destroyEvent(struct Event *event) {
  free(event);
  return 0;
}

static int allocate(uint64_t *place, size_t bytes) {
  char *begin = calloc(1, bytes);
  *place = (uint64_t)begin;
  addBlock(onDevice, begin, bytes);
  return answer("cuMemAlloc");
}
static int freeOnDevice(uint64_t place) {
  struct Block *block = blockOf(onDevice, (char *)place);
  const char *path = getenv("FAKE_MEMORY");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (size_t i = 0; block->copied > 0 && i < block->bytes; ++i) {
      hash = (hash ^ (unsigned char)block->begin[i]) * 0x100000001b3;
    }
    fprintf(file, "%zu %zu %zu %016lx\n", block->bytes, block->copied, block->copies, hash);
    fclose(file);
  }
  free(block->begin);
  block->begin = NULL;
  return 0;
}
static int allocateOnHost(void **place, size_t bytes, unsigned flags) {
  enum { deviceMap = 2 };
  int result = flags == deviceMap || flags == 0 ? answer("cuMemHostAlloc") : invalidValue;
  if (result == 0) {
    *place = malloc(bytes);
    addBlock(onHost, *place, bytes);
  }
  return result;
}
static int freeOnHost(void *place) {
  blockOf(onHost, place)->begin = NULL;
  free(place);
  return 0;
}
static int mapToDevice(uint64_t *place, void *onHost, unsigned flags) {
  (void)flags;
  *place = (uint64_t)onHost;
  return 0;
}

/// Of eight bytes, which the mark of failures has, 0xFF is no failure.
static int copyToHost(void *to, uint64_t from, size_t bytes, void *stream) {
  (void)from, (void)stream;
  const char *wish = getenv("FAKE_MARK");
  uint64_t mark = wish ? strtoull(wish, NULL, 0) : ~(uint64_t)0;
  if (bytes == sizeof mark) {
    memcpy(to, &mark, sizeof mark);
  } else {
    memset(to, getenv("FAKE_ZEROS") ? 0 : 0xFF, bytes);
  }
  return answer("cuMemcpyDtoHAsync");
}
static int synchronize(void *stream) {
  (void)stream;
  makeCopies(copyCount);
  return answer("cuStreamSynchronize");
}
static int launchGraph(void *graph, void *stream) {
  (void)graph, (void)stream;
  return answer("cuGraphLaunch");
}

static int encodeMap(void *map, int type, unsigned rank, void *data, const uint64_t *sizes,
                     const uint64_t *strides, const unsigned *box) {
  (void)map, (void)type, (void)rank, (void)data, (void)strides;
  const char *path = getenv("FAKE_MAPS");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) {
    fprintf(file, "%lu %u\n", sizes[1], box[1]);
    fclose(file);
  }
  return sizes[1] == 0 || sizes[0] % 16 != 0 || box[1] == 0 || box[1] > 256
             ? invalidValue
             : answer("cuTensorMapEncodeTiled");
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
  fakeTakes(cold ? 3 : 2);
  cold = 0;
  return answer("cuLaunchKernelEx");
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
               {"cuMemFree", (Function)freeOnDevice},
               {"cuMemcpyHtoDAsync", (Function)copyToDevice},
               {"cuEventCreate", (Function)createEvent},
               {"cuEventRecord", (Function)recordEvent},
               {"cuEventSynchronize", (Function)waitForEvent},
               {"cuEventElapsedTime", (Function)elapsed},
               {"cuEventDestroy", (Function)destroyEvent},
               {"cuMemsetD8Async", (Function)clear},
               {"cuMemHostAlloc", (Function)allocateOnHost},
               {"cuMemFreeHost", (Function)freeOnHost},
               {"cuMemHostGetDevicePointer", (Function)mapToDevice},
               {"cuMemcpyDtoHAsync", (Function)copyToHost},
               {"cuStreamSynchronize", (Function)synchronize},
               {"cuTensorMapEncodeTiled", (Function)encodeMap},
               {"cuGraphLaunch", (Function)launchGraph},
               {"cuLaunchKernelEx", (Function)launch}};
  Function found = (Function)succeed;
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    found = strcmp(known[i].name, name) == 0 ? known[i].function : found;
  }
  memcpy(address, &found, sizeof found);
  return 0;
}
