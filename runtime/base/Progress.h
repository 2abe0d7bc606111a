//===- Progress.h - how far a long job is -----------------------*- C++ -*-===//
//
// Tells a person how far a job is and how long it will still take: a line that is
// written over on a terminal, a line now and then elsewhere. Says nothing about jobs
// that take less than two seconds.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace dsv3::runtime {

/// Not shared between threads. Times are since the job began.
class Progress {
public:
  using Seconds = std::chrono::duration<double>;

  /// Whether what is counted are bytes that are named, or something that says nothing.
  enum class Amounts : uint8_t { Bytes, Hidden };

  /// "loading weights"; `stream` is a terminal or not. Does not own the stream.
  Progress(std::string label, std::FILE *stream, Amounts amounts = Amounts::Bytes);
  /// Ends the line that is being written over.
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Shows that `done` of `total` is done, if it is time to. Ends the line if that is all.
  void update(uint64_t done, uint64_t total);
  /// The same at a given time.
  void update(uint64_t done, uint64_t total, Seconds since);

  /// "loading weights 42%, 1.5 GiB of 3.6 GiB, 12 s left", on a terminal with a bar.
  std::string line(uint64_t done, uint64_t total, Seconds since, bool withBar) const;

private:
  std::string label;
  std::FILE *stream;
  Amounts amounts;
  bool terminal;
  bool lineOpen = false;
  std::chrono::steady_clock::time_point begin;
  Seconds next; ///< when something is to be shown
};

} // namespace dsv3::runtime
