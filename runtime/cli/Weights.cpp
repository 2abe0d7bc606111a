//===- Weights.cpp - the weights of an open model -------------------------===//
#include "runtime/cli/Weights.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/base/Memory.h"
#include "runtime/base/Progress.h"
#include "runtime/cli/Calibration.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Streams.h"
#include "runtime/params/PackedFile.h"
#include "runtime/params/StoredTensor.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace dsv3::cli {

/// What packed weights of this model depend on.
static Expected<runtime::PackedHeader> headerOf(const ModelFiles &files, const ModelFlags &flags) {
  const plan::Plan &plan = files.bundle.plan();
  runtime::PackedHeader header{
      .plan = files.bundle.planHash(),
      .variant = plan.variants[files.variant].name,
      .source = files.checkpoint ? "checkpoint " + files.checkpoint->identity()
                                 : "made up from seed " + std::to_string(flags.dummySeed) +
                                       " in way " + std::to_string(runtime::dummyRevision),
      .calibration = {},
      .files = {},
      .dataBytes = plan::weightBytes(plan, files.variant),
      .checksums = {}};
  if (files.checkpoint) {
    for (const checkpoint::SafetensorsFile &file : files.checkpoint->files()) {
      header.files.push_back({file.path().filename().string(), file.size(), file.changed()});
    }
  }
  if (!flags.calibration.empty()) {
    Expected<std::string> text = calibrationHash(flags);
    if (!text) {
      return text.failure();
    }
    header.calibration = *std::move(text);
  }
  return header;
}

/// Checks all bytes of kept weights, with progress on stderr.
static Status verifyAll(const runtime::PackedWeights &weights) {
  runtime::Progress progress("verifying packed weights", stderr);
  return runtime::verify(
      weights, [&](uint64_t done, uint64_t total) { progress.update(done, total); },
      watchInterrupts());
}

Expected<std::optional<runtime::FileMapping>> findPacked(const ModelFiles &files,
                                                         const ModelFlags &flags) {
  std::filesystem::path path = files.bundle.packedPath(files.variant);
  std::error_code unknown;
  std::optional<runtime::FileMapping> none;
  if (!std::filesystem::exists(path, unknown)) {
    if (flags.verifyPacked) {
      say("note: there are no packed weights to verify: expected " + path.string());
    }
    return none;
  }
  Expected<runtime::PackedHeader> header = headerOf(files, flags);
  if (!header) {
    return header.failure();
  }
  Expected<runtime::PackedWeights> weights = runtime::mapPacked(path, *header);
  Status sound = weights ? Status() : weights.status();
  if (sound && flags.verifyPacked) {
    sound = verifyAll(*weights);
    if (watchInterrupts()->load()) {
      return Failure{"interrupted"};
    }
    if (sound) {
      say("the packed weights in " + path.string() + " are as they were written");
    }
  }
  if (!sound) {
    say("note: the packed weights in " + path.string() +
        " cannot be used: " + sound.failure().what +
        (flags.keepPacked ? "; they are written anew" : "; --keep-packed writes them anew"));
    return none;
  }
  return std::optional(std::move(weights->mapping));
}

/// Reads mapped weights in the order of the file, as disks like, rather than in that of steps.
/// The last of them, as many as `copy` holds, are copied to there.
static Status fetchAll(const runtime::FileMapping &mapping, const std::filesystem::path &path,
                       std::span<std::byte> copy) {
  constexpr uint64_t pieceBytes = uint64_t(64) << 20;
  runtime::Progress progress("mapping packed weights", stderr);
  const std::atomic<bool> *cancel = watchInterrupts();
  uint64_t total = mapping.bytes().size(), copied = total - copy.size();
  for (uint64_t at = 0; at < total; at += pieceBytes) {
    if (cancel->load()) {
      return Failure{"interrupted"};
    }
    if (Status read = mapping.fetch(at, pieceBytes); !read) {
      return Failure{read.failure().what, path.string(), "remove the file; it is made again"};
    }
    uint64_t end = std::min(total, at + pieceBytes);
    if (uint64_t begin = std::max(at, copied); begin < end) {
      std::memcpy(copy.data() + (begin - copied), mapping.bytes().data() + begin, end - begin);
    }
    progress.update(end, total);
  }
  return {};
}

/// Whether memory holds all weights, so that it pays to read mapped ones at once.
static bool holdsAll(const ModelFiles &files, const WeightMemory &memory) {
  return plan::memoryNeeds(files.bundle.plan(), files.variant).weights <= memory.available;
}

static runtime::LoadOptions optionsOf(const ModelFiles &files, const ModelFlags &flags,
                                      const WeightMemory &memory, runtime::Progress &progress) {
  return {.threads = flags.threads,
          .progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); },
          .cancel = watchInterrupts(),
          .fetches = holdsAll(files, memory),
          .take = flags.keepPacked ? nullptr : memory.take,
          .experts = memory.experts};
}

static std::string loadingText(const ModelFiles &files) {
  return files.checkpoint ? "loading weights" : "making weights up";
}

static Expected<runtime::ParameterStore> packWeights(ModelFiles &files, const ModelFlags &flags,
                                                     const runtime::WeightImportance &importance,
                                                     const WeightMemory &memory) {
  runtime::Progress progress(loadingText(files), stderr);
  runtime::LoadOptions options = optionsOf(files, flags, memory, progress);
  options.importance = &importance;
  const plan::Plan &plan = files.bundle.plan();
  return files.checkpoint
             ? runtime::ParameterStore::load(plan, files.variant, *files.checkpoint, options)
             : runtime::ParameterStore::dummy(plan, files.variant, flags.dummySeed, options);
}

static Status keep(runtime::PackedWriter &writer, const runtime::ParameterStore &store,
                   const std::filesystem::path &path) {
  runtime::Progress progress("keeping packed weights", stderr);
  Status written = writer.write(
      store.parts(), [&](uint64_t done, uint64_t total) { progress.update(done, total); },
      watchInterrupts());
  if (written) {
    say("packed weights are kept in " + path.string());
  }
  return written;
}

static double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

static Expected<LoadedWeights> mapWeights(ModelFiles &files, const ModelFlags &flags,
                                          runtime::FileMapping packed, const WeightMemory &memory) {
  std::filesystem::path path = files.bundle.packedPath(files.variant);
  say("the weights are mapped from " + path.string());
  auto begin = std::chrono::steady_clock::now();
  bool reads = holdsAll(files, memory) || !memory.experts.empty();
  if (Status read = reads ? fetchAll(packed, path, memory.experts) : Status(); !read) {
    return read;
  }
  const plan::Plan &plan = files.bundle.plan();
  auto store =
      runtime::ParameterStore::mapped(plan, files.variant, std::move(packed), memory.experts);
  if (plan::inPlaceBytes(plan, files.variant) > 0) {
    runtime::Progress progress(loadingText(files), stderr);
    runtime::LoadOptions options = optionsOf(files, flags, memory, progress);
    Status added = files.checkpoint ? store.addInPlace(plan, *files.checkpoint, options)
                                    : store.makeInPlace(plan, flags.dummySeed, options);
    if (!added) {
      return added;
    }
  }
  return LoadedWeights{std::move(store), WeightOrigin::Mapped, secondsSince(begin)};
}

/// With `writer` the weights are kept.
static Expected<LoadedWeights> makeWeights(ModelFiles &files, const ModelFlags &flags,
                                           runtime::PackedWriter *writer,
                                           const WeightMemory &memory) {
  runtime::WeightImportance importance;
  if (!flags.calibration.empty()) {
    Expected<runtime::WeightImportance> known = calibrate(files, flags);
    if (!known) {
      return known.failure();
    }
    importance = *std::move(known);
  }
  auto begin = std::chrono::steady_clock::now();
  Expected<runtime::ParameterStore> store = packWeights(files, flags, importance, memory);
  if (!store) {
    return store.failure();
  }
  double seconds = secondsSince(begin);
  if (writer) {
    Status kept = keep(*writer, *store, files.bundle.packedPath(files.variant));
    if (!kept) {
      return kept;
    }
  }
  return LoadedWeights{*std::move(store),
                       files.checkpoint ? WeightOrigin::Packed : WeightOrigin::MadeUp, seconds,
                       memory.take && !flags.keepPacked};
}

Expected<LoadedWeights> loadWeights(ModelFiles &files, const ModelFlags &flags,
                                    std::optional<runtime::FileMapping> packed,
                                    const WeightMemory &memory) {
  if (packed) {
    return mapWeights(files, flags, *std::move(packed), memory);
  }
  if (!flags.keepPacked) {
    return makeWeights(files, flags, nullptr, memory);
  }
  std::filesystem::path path = files.bundle.packedPath(files.variant);
  Expected<runtime::PackedHeader> header = headerOf(files, flags);
  if (!header) {
    return header.failure();
  }
  auto writer = runtime::PackedWriter::create(path, *header);
  if (!writer) {
    return writer.failure();
  }
  if (!*writer) {
    say("note: another process is writing " + path.string() + "; it is not written twice");
  }
  return makeWeights(files, flags, *writer ? &**writer : nullptr, memory);
}

} // namespace dsv3::cli
