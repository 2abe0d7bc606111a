//===- SimPlanted.h - mistakes that are planted in kernels ------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::test {

/// A change of a kernel that is a mistake: `wrong` instead of `right`.
struct Planted {
  const char *name;
  const char *right, *wrong;
  std::vector<std::string> said; ///< one of these, of the failure
};
inline void PrintTo(const Planted &planted, std::ostream *out) { *out << planted.name; }

inline std::string changed(std::string text, const char *right, const char *wrong) {
  size_t place = text.find(right);
  EXPECT_NE(place, std::string::npos) << right;
  return text.replace(place, std::string_view(right).size(), wrong);
}

/// Whether nothing could be checked.
inline bool lacksClang(const Status &status) {
  return !status && status.failure().where.starts_with("--sim-check");
}

/// The failure is one that the mistake names, located.
inline void expectFound(const Status &status, const Planted &planted) {
  ASSERT_FALSE(status);
  std::string message = status.failure().message();
  EXPECT_TRUE(std::ranges::any_of(planted.said, [&](const std::string &said) {
    return message.find(said) != std::string::npos;
  })) << message;
  EXPECT_NE(message.find("layer 3, kernel 'test', block "), std::string::npos) << message;
  EXPECT_NE(message.find("test.cu:"), std::string::npos) << message;
}

} // namespace dsv3::test
