//===- StandardStreamsTest.cpp - closed standard streams ------------------===//
#include "dsv3/Support/StandardStreams.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <initializer_list>
#include <sys/wait.h>
#include <unistd.h>

using namespace dsv3;

/// What `check` says in a process of its own, in which `streams` are closed.
static bool inProcess(std::initializer_list<int> streams, bool (*check)()) {
  pid_t child = fork();
  if (child == 0) {
    for (int stream : streams) {
      close(stream);
    }
    holdStandardStreams();
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(StandardStreams, NoFileTakesThePlaceOfAClosedOne) {
  EXPECT_TRUE(inProcess({0, 1, 2}, [] { return open("/dev/null", O_RDWR) > 2; }));
  EXPECT_TRUE(inProcess({2}, [] { return open("/dev/null", O_RDWR) > 2; }));
}

TEST(StandardStreams, ClosedOnesGiveAndTakeNothing) {
  EXPECT_TRUE(inProcess({0, 1, 2}, [] {
    char byte = 'x';
    return read(0, &byte, 1) < 0 && write(1, &byte, 1) < 0 && write(2, &byte, 1) < 0;
  }));
}

TEST(StandardStreams, OpenOnesAreLeftAlone) {
  EXPECT_TRUE(inProcess({1}, [] {
    char byte = 'x';
    int pipeEnds[2];
    return pipe(pipeEnds) == 0 && dup2(pipeEnds[1], 2) == 2 && (holdStandardStreams(), true) &&
           write(2, &byte, 1) == 1;
  }));
}
