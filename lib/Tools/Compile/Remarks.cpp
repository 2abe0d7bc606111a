//===- Remarks.cpp - what the passes decided, and why ---------------------===//
#include "Remarks.h"

#include "../WriteFile.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Remarks/RemarkSerializer.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dsv3::compile {
namespace {

/// Takes each remark as it comes: passes on modules run one after the other.
class RemarkStreamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  RemarkStreamer(std::optional<llvm::Regex> lines, std::string *yaml) : lines(std::move(lines)) {
    if (yaml) {
      stream = std::make_unique<llvm::raw_string_ostream>(*yaml);
      // Fails for formats that are not built in alone; YAML always is.
      serializer = llvm::cantFail(
          llvm::remarks::createRemarkSerializer(llvm::remarks::Format::YAML, *stream));
    }
  }

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    if (serializer) {
      serializer->emit(remark.generateRemark());
    }
    if (!lines) {
      return;
    }
    llvm::StringRef function = remark.getFunction();
    std::string line = function.starts_with("<") ? "module" : "@" + function.str(); // "<unknown …>"
    line +=
        ": " + remark.getRemarkName().str() + ": " + remark.getRemarkTypeString().lower() + ": ";
    for (const remark::detail::Remark::Arg &piece : remark.getArgs()) {
      line += piece.val;
    }
    if (lines->match(line)) {
      llvm::errs() << line << '\n';
    }
  }

private:
  std::optional<llvm::Regex> lines;
  std::unique_ptr<llvm::raw_string_ostream> stream;
  std::unique_ptr<llvm::remarks::RemarkSerializer> serializer;
};

} // namespace

Status Remarks::collect(MLIRContext &context) {
  if (flags.lines.empty() && flags.file.empty()) {
    return {};
  }
  std::optional<llvm::Regex> lines;
  if (!flags.lines.empty()) {
    lines.emplace(flags.lines);
    if (std::string problem; !lines->isValid(problem)) {
      return Failure{"expected a regular expression, found '" + flags.lines + "': " + problem,
                     "--remarks"};
    }
  }
  // A kind without a filter is not reported, whatever `all` says.
  remark::RemarkCategories everything{
      .all = std::nullopt, .passed = ".*", .missed = ".*", .analysis = ".*", .failed = ".*"};
  auto streamer =
      std::make_unique<RemarkStreamer>(std::move(lines), flags.file.empty() ? nullptr : &yaml);
  LogicalResult enabled = remark::enableOptimizationRemarks(
      context, std::move(streamer), std::make_unique<remark::RemarkEmittingPolicyAll>(),
      everything);
  return succeeded(enabled) ? Status() : Failure{"remarks cannot be collected"};
}

Status Remarks::write() const {
  return flags.file.empty() ? Status() : writeFile(flags.file, yaml);
}

} // namespace dsv3::compile
