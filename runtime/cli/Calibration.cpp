//===- Calibration.cpp - which weights matter on a text -------------------===//
//
// The text is cut into pieces, each of which is read for itself: attention of a long text would
// take longer than it tells.
//
//===----------------------------------------------------------------------===//
#include "runtime/cli/Calibration.h"

#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "dsv3/Support/WeightEncoding.h"
#include "runtime/base/Progress.h"
#include "runtime/cli/InputSquares.h"
#include "runtime/cli/Streams.h"

#include <algorithm>
#include <filesystem>

namespace dsv3::cli {

static constexpr size_t mostBytes = size_t(1) << 28;
/// Tokens that are read together.
static constexpr int64_t pieceTokens = 512;

static Expected<std::string> readText(const ModelFlags &flags) {
  return readFile(flags.calibration, mostBytes);
}

static Status noText(const ModelFlags &flags) {
  return Failure{"expected a text of 1 or more tokens, found none",
                 "--calibration " + flags.calibration, "name a file that holds text"};
}

Status checkCalibrationFile(const ModelFlags &flags) {
  std::error_code error;
  if (flags.calibration.empty()) {
    return {};
  }
  if (std::filesystem::is_regular_file(flags.calibration, error)) {
    bool empty = std::filesystem::file_size(flags.calibration, error) == 0;
    return empty ? noText(flags) : Status();
  }
  return Failure{error ? "there is no such file" : "expected a file, which is read twice",
                 "--calibration " + flags.calibration, "name a file of text"};
}

/// Why a text is of no use.
static Status nothingToFit(const ModelFlags &flags) {
  return Failure{"no weights of this model are encoded as int4, and no others are fitted to a text",
                 "--calibration " + flags.calibration,
                 "give --weights=int4 too, or leave --calibration out"};
}

static Status madeUp(const ModelFlags &flags) {
  return Failure{"made-up weights have nothing to do with a text",
                 "--calibration " + flags.calibration, "leave --calibration out"};
}

Status checkCalibrationFlags(const ModelFlags &flags) {
  if (flags.calibration.empty()) {
    return {};
  }
  return encodingFromName(flags.weights) != DType::I4 ? nothingToFit(flags)
         : flags.dummy                                ? madeUp(flags)
                                                      : Status();
}

Status checkCalibration(const ModelFiles &files, const ModelFlags &flags) {
  bool encodes =
      std::ranges::any_of(files.bundle.plan().parameters, [](const plan::Parameter &parameter) {
        return parameter.type == DType::I4;
      });
  if (!encodes) {
    return nothingToFit(flags);
  }
  if (!files.checkpoint) {
    return madeUp(flags);
  }
  if (!files.texts.tokenizer) {
    return Failure{"the model has no tokenizer.json, so it cannot read text",
                   "--calibration " + flags.calibration, "leave --calibration out"};
  }
  return {};
}

Expected<std::string> calibrationHash(const ModelFlags &flags) {
  Expected<std::string> text = readText(flags);
  return text ? Expected<std::string>(hash128(*text).hex()) : text.failure();
}

/// The flags of the model as it is stored.
static ModelFlags storedFlags(const ModelFiles &files, const ModelFlags &flags) {
  ModelFlags stored;
  stored.model = files.checkpoint->directory().string();
  stored.threads = flags.threads, stored.numa = flags.numa;
  stored.observeInputs = true;
  return stored;
}

static Status readPieces(runtime::Session &session, std::span<const int32_t> ids,
                         InputSquares &squares) {
  runtime::Progress progress("reading the calibration text", stderr,
                             runtime::Progress::Amounts::Hidden);
  int64_t most = std::min(pieceTokens, session.context());
  for (size_t at = 0; at < ids.size();) {
    size_t count = std::min(size_t(most), ids.size() - at);
    if (Status rewound = session.rewind(0); !rewound) {
      return rewound;
    }
    auto piece = ids.subspan(at, count);
    if (Status read = session.append(piece, runtime::OutputRows::Last, &squares); !read) {
      return read;
    }
    at += count;
    progress.update(at, ids.size());
  }
  return {};
}

Expected<runtime::WeightImportance> calibrate(const ModelFiles &files, const ModelFlags &flags) {
  Expected<std::string> text = readText(flags);
  if (!text) {
    return text.failure();
  }
  Expected<std::vector<int32_t>> ids = files.texts.tokenizer->encode(*text, false);
  if (!ids) {
    return ids.failure();
  }
  if (ids->empty()) {
    return noText(flags).failure();
  }
  ModelFlags stored = storedFlags(files, flags);
  Expected<FoundModel> found = findModel(stored);
  if (!found) {
    return found.failure();
  }
  Expected<ModelFiles> opened = openModel(*std::move(found), stored);
  if (!opened) {
    return opened.failure();
  }
  Expected<std::unique_ptr<RunningModel>> running = startModel(*opened, stored);
  if (!running) {
    return running.failure();
  }
  InputSquares squares;
  if (Status read = readPieces(*(*running)->session, *ids, squares); !read) {
    return read;
  }
  runtime::WeightImportance importance = squares.importance();
  say("what " + std::to_string(importance.size()) + " tensors are multiplied with, by " +
      std::to_string(ids->size()) + " tokens of " + flags.calibration);
  return importance;
}

} // namespace dsv3::cli
