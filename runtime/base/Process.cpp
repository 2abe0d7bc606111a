//===- Process.cpp - run another program ----------------------------------===//

#include "runtime/base/Process.h"

#include "dsv3/Support/File.h"
#include "runtime/base/MemoryFile.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;

static bool isProgram(const std::filesystem::path &path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::filesystem::path> runtime::findProgram(std::string_view name) {
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && isProgram(self.parent_path() / name)) {
    return self.parent_path() / name;
  }
  const char *variable = std::getenv("PATH");
  std::string_view rest = variable ? variable : "";
  while (!rest.empty()) {
    size_t end = std::min(rest.find(':'), rest.size());
    std::filesystem::path candidate = std::filesystem::path(rest.substr(0, end)) / name;
    // An empty entry means the current folder, where nobody expects programs of ours.
    if (end > 0 && isProgram(candidate)) {
      return candidate;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

/// Starts a program whose stdout is our stderr, or both of whose are `output`, and that is told to
/// stop if we are killed. Returns an errno. What the child does before exec is safe beside other
/// threads.
static int start(char *const *words, int output, pid_t &child) {
  std::array<int, 2> ends; // tells why exec failed; closed by one that did not
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return errno;
  }
  pid_t parent = getpid();
  child = fork();
  int error = child < 0 ? errno : 0;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    bool ready = output < 0 || dup2(output, STDERR_FILENO) >= 0;
    if (getppid() == parent && ready && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
      execv(words[0], words);
    }
    error = errno;
    _exit(write(ends[1], &error, sizeof error) > 0 ? 127 : 126);
  }
  close(ends[1]);
  if (child > 0 && read(ends[0], &error, sizeof error) > 0) {
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  return error;
}

/// Waits for `child`, passing the wish to stop on to it once. Its state, or nothing where
/// the system does not keep it (SIGCHLD is ignored), with the reason in errno.
static std::optional<int> waitFor(pid_t child, const std::atomic<bool> *cancel) {
  constexpr std::chrono::milliseconds pause(20);
  int state = 0;
  bool told = false;
  while (true) {
    pid_t ended = waitpid(child, &state, WNOHANG);
    if (ended == child) {
      return state;
    }
    if (ended < 0 && errno != EINTR) {
      return std::nullopt;
    }
    if (!told && cancel && cancel->load()) {
      told = true;
      // It ignores those that we were made to ignore; what told us to stop is not among them.
      for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        kill(child, signal);
      }
    }
    std::this_thread::sleep_for(pause);
  }
}

Status runtime::runProgram(const std::filesystem::path &program,
                           const std::vector<std::string> &arguments,
                           const std::atomic<bool> *cancel, std::string *output) {
  // A file in memory, which never makes the program wait for a reader.
  std::optional<MemoryFile> printed;
  if (output) {
    printed.emplace();
  }
  std::string name = program.string();
  std::vector<std::string> words = arguments;
  std::vector<char *> pointers{name.data()};
  for (std::string &word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  pid_t child = 0;
  if (int error = start(pointers.data(), printed ? printed->descriptor() : -1, child); error != 0) {
    return Failure{"cannot start the program: " + std::string(std::strerror(error)), name,
                   hintOfLimit(error)};
  }
  std::optional<int> state = waitFor(child, cancel);
  if (output) {
    *output = printed->text();
  }
  if (cancel && cancel->load()) {
    return Failure{"interrupted"};
  }
  if (!state) {
    return Failure{"how it ended is not known: " + std::string(std::strerror(errno)), name};
  }
  if (WIFSIGNALED(*state)) {
    return Failure{"was ended by the signal " + std::string(strsignal(WTERMSIG(*state))), name};
  }
  return WEXITSTATUS(*state) == 0
             ? Status()
             : Failure{"failed with exit code " + std::to_string(WEXITSTATUS(*state)), name};
}
