/*===- NoLibrary.c - as on a machine without a library ----------------------===*
 *
 * For LD_PRELOAD: no library of the name DSV3_NO_LIBRARY can be opened, wherever it lies.
 *
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void *dlopen(const char *path, int mode) {
  void *(*next)(const char *, int) = NULL;
  void *found = dlsym(RTLD_NEXT, "dlopen");
  if (!found) {
    abort();
  }
  memcpy(&next, &found, sizeof next);
  return next(path && strstr(path, DSV3_NO_LIBRARY) ? "/nowhere/" DSV3_NO_LIBRARY : path, mode);
}
