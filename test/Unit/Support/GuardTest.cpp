//===- GuardTest.cpp - exceptions as failures -----------------------------===//

#include "dsv3/Support/Guard.h"

#include <gtest/gtest.h>
#include <new>
#include <stdexcept>
#include <system_error>

using namespace dsv3;

TEST(Guard, PassesOnWhatTheWorkGives) {
  EXPECT_TRUE(guarded([] { return Status(); }).ok());
  EXPECT_EQ(guarded([]() -> Status { return Failure{"no"}; }).failure().what, "no");
}

TEST(Guard, ExceptionsAreFailures) {
  Status memory = guarded([]() -> Status { throw std::bad_alloc(); });
  ASSERT_FALSE(memory.ok());
  EXPECT_NE(memory.failure().message().find("not enough memory\n  hint: "), std::string::npos);
  Status threads = guarded([]() -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  ASSERT_FALSE(threads.ok());
  EXPECT_NE(threads.failure().message().find("hint: raise the limits of threads"),
            std::string::npos);
  Status other = guarded([]() -> Status { throw std::length_error("vector::reserve"); });
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.failure().what.find("vector::reserve"), std::string::npos);
}
