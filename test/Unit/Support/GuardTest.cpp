//===- GuardTest.cpp - exceptions as failures -----------------------------===//

#include "dsv3/Support/Guard.h"

#include <gtest/gtest.h>
#include <new>
#include <stdexcept>

using namespace dsv3;

TEST(Guard, PassesOnWhatTheWorkGives) {
  EXPECT_TRUE(guarded([] { return Status(); }).ok());
  EXPECT_EQ(guarded([]() -> Status { return Failure{"no"}; }).failure().what, "no");
}

TEST(Guard, ExceptionsAreFailures) {
  Status memory = guarded([]() -> Status { throw std::bad_alloc(); });
  ASSERT_FALSE(memory.ok());
  EXPECT_NE(memory.failure().message().find("not enough memory\n  hint: "), std::string::npos);
  Status other = guarded([]() -> Status { throw std::length_error("vector::reserve"); });
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.failure().what.find("vector::reserve"), std::string::npos);
}
