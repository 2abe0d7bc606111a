//===- Oracles.h - golden cases that lie outside of the tree ----*- C++ -*-===//
//
// DSV3_ORACLES names a directory with tokenizer/ and template/, whose cases.json
// Hugging Face's libraries wrote. Tests that need it are skipped without it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

/// The directory of a set of oracles; empty if there is none.
inline std::filesystem::path oracleDirectory(const char *set) {
  const char *root = std::getenv("DSV3_ORACLES");
  std::filesystem::path path = root ? std::filesystem::path(root) / set : std::filesystem::path();
  return root && std::filesystem::exists(path / "cases.json") ? path : std::filesystem::path();
}

/// The cases of a set. Keys keep their order: templates print it.
inline nlohmann::ordered_json oracleCases(const std::filesystem::path &directory) {
  std::ifstream stream(directory / "cases.json");
  return nlohmann::ordered_json::parse(stream, nullptr, false);
}
