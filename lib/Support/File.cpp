//===- File.cpp - whole files of bounded size -----------------------------===//
#include "dsv3/Support/File.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <vector>

namespace dsv3 {

Expected<std::string> readFile(const std::filesystem::path &path, size_t limit) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return Failure{"there is no such file", path.string()};
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Failure{"expected a file, found something else", path.string()};
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Failure{std::string("cannot open the file: ") + std::strerror(errno), path.string()};
  }
  // Read in pieces: the size that a file system reports need not be the truth (/proc).
  std::string text;
  std::vector<char> piece(size_t(1) << 16);
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())),
         stream.gcount() > 0) {
    text.append(piece.data(), static_cast<size_t>(stream.gcount()));
    if (text.size() > limit) {
      return Failure{"expected at most " + std::to_string(limit) + " bytes, the file has more",
                     path.string(), "is this the right file?"};
    }
  }
  if (stream.bad()) {
    return Failure{std::string("cannot read the file: ") + std::strerror(errno), path.string()};
  }
  return text;
}

} // namespace dsv3
