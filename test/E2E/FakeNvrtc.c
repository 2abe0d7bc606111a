// FakeNvrtc.c - stands for libnvrtc.so.13: one that is too old for the GPUs of today.
#include <stddef.h>

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
  architectures[1] = 80;
  return 0;
}
#ifndef DSV3_FAKE_WITHOUT_CUBINS
int nvrtcGetCUBINSize(void *program, size_t *bytes) {
  (void)program;
  *bytes = 0;
  return 1;
}
#endif
int nvrtcGetCUBIN(void *program, char *code) {
  (void)program, (void)code;
  return 1;
}
int nvrtcCreateProgram(void) { return 1; }
int nvrtcDestroyProgram(void) { return 1; }
int nvrtcCompileProgram(void) { return 1; }
int nvrtcGetProgramLogSize(void) { return 1; }
int nvrtcGetProgramLog(void) { return 1; }
const char *nvrtcGetErrorString(int error) {
  (void)error;
  return "an error of a test";
}
