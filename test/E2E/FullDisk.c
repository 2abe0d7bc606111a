/*===- FullDisk.c - as on a disk that is full -------------------------------===*
 *
 * For LD_PRELOAD: files take no byte more and the file system says that it has no room.
 * Pipes and devices are left alone. Nobody may mount a small disk but root.
 *
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuses(int file) {
  struct stat status;
  return fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

ssize_t write(int file, const void *data, size_t bytes) {
  if (refuses(file)) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_write, file, data, bytes);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t position) {
  if (refuses(file)) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_pwrite64, file, data, bytes, position);
}

int fallocate(int file, int mode, off_t begin, off_t bytes) {
  (void)file, (void)mode, (void)begin, (void)bytes;
  errno = ENOSPC;
  return -1;
}

int posix_fallocate(int file, off_t begin, off_t bytes) {
  (void)file, (void)begin, (void)bytes;
  return ENOSPC;
}

int statvfs(const char *restrict path, struct statvfs *restrict status) {
  struct stat exists;
  if (stat(path, &exists) != 0) {
    return -1;
  }
  *status = (struct statvfs){.f_bsize = 4096, .f_frsize = 4096, .f_blocks = 16};
  return 0;
}
