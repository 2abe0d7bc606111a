// FakeNvrtc.c - stands for libnvrtc.so.13: one that is too old for the GPUs of today.
//
// It compiles nothing, unless the environment variable FAKE_CUBIN names a file: then every kernel's
// code is that file, and FAKE_LOG what there is to say about it. FAKE_ARCHITECTURE, "90" say, makes
// that the newest that it knows.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nvrtcVersion(int *major, int *minor) {
  *major = 11;
  *minor = 2;
  return 0;
}
int nvrtcGetNumSupportedArchs(int *count) {
  *count = 2;
  return 0;
}
int nvrtcGetSupportedArchs(int *architectures) {
  architectures[0] = 52;
  const char *newest = getenv("FAKE_ARCHITECTURE");
  architectures[1] = newest ? atoi(newest) : 80;
  return 0;
}

/// 0 is success.
static int compile(void) { return getenv("FAKE_CUBIN") ? 0 : 1; }
/// The file's bytes go to `code` if that is not null.
static int readCode(size_t *bytes, char *code) {
  const char *path = getenv("FAKE_CUBIN");
  FILE *file = path ? fopen(path, "rb") : NULL;
  if (!file) {
    return 1;
  }
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  int complete = !code || fread(code, 1, *bytes, file) == *bytes;
  fclose(file);
  return complete ? 0 : 1;
}
static const char *logText(void) {
  const char *text = getenv("FAKE_LOG");
  return text ? text : "";
}

#ifndef DSV3_FAKE_WITHOUT_CUBINS
int nvrtcGetCUBINSize(void *program, size_t *bytes) {
  (void)program;
  return readCode(bytes, NULL);
}
#endif
int nvrtcGetCUBIN(void *program, char *code) {
  (void)program;
  size_t bytes = 0;
  return readCode(&bytes, code);
}
int nvrtcCreateProgram(void) { return compile(); }
int nvrtcDestroyProgram(void) { return 0; }
int nvrtcCompileProgram(void) { return compile(); }
int nvrtcGetProgramLogSize(void *program, size_t *bytes) {
  (void)program;
  *bytes = strlen(logText()) + 1;
  return 0;
}
int nvrtcGetProgramLog(void *program, char *text) {
  (void)program;
  strcpy(text, logText());
  return 0;
}
const char *nvrtcGetErrorString(int error) {
  (void)error;
  return "an error of a test";
}
