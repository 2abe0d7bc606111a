//===- Link.cpp - from an object file to a shared object ------------------===//
#include "dsv3/Target/Cpu.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

namespace dsv3::cpu {

Status linkSharedObject(const std::string &object, const std::string &path) {
  std::string input = path + ".o";
  {
    std::error_code error;
    llvm::raw_fd_ostream file(input, error);
    if (!error) {
      file << object;
      file.close();
      error = file.error();
      file.clear_error();
    }
    if (error) {
      llvm::sys::fs::remove(input);
      return Failure{"the code of the kernels cannot be written: " + error.message(), input,
                     "check that there is space and that you may write there"};
    }
  }
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  std::string output = "-o" + path;
  // No names of files or times get into the output; nothing may stay undefined. On a full disk
  // writing fails with a message; touching a mapped file would end the process.
  const char *arguments[] = {
      "ld.lld",           "-shared",         "-zdefs",      "-znow",
      "--hash-style=gnu", "--build-id=none", "--threads=1", "--no-mmap-output-file",
      input.c_str(),      output.c_str()};
  lld::Result result =
      lld::lldMain(arguments, llvm::nulls(), stream, {{lld::Gnu, &lld::elf::link}});
  llvm::sys::fs::remove(input);
  if (result.retCode != 0) {
    llvm::sys::fs::remove(path);
    return Failure{"the kernels cannot be linked: " + messages, path,
                   "check that there is space and that you may write there"};
  }
  return {};
}

} // namespace dsv3::cpu
