//===- TemporaryDirectory.h - a folder for one test -------------*- C++ -*-===//
//
// Made under the system's folder for such things and removed with all that a test
// left in it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace dsv3::test {

class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "dsv3-test-XXXXXX").string();
    if (!mkdtemp(name.data())) {
      throw std::runtime_error("cannot create " + name);
    }
    root = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

  const std::filesystem::path &path() const { return root; }

  /// Writes a file and returns its path.
  std::filesystem::path write(const std::string &name, const std::string &bytes) const {
    std::ofstream(root / name, std::ios::binary) << bytes;
    return root / name;
  }

private:
  std::filesystem::path root;
};

} // namespace dsv3::test
