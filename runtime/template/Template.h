//===- Template.h - chat templates ------------------------------*- C++ -*-===//
//
// Renders Jinja templates as the chat template environment of transformers does:
// sandboxed, trim_blocks, lstrip_blocks, loop controls. Each byte of the result
// remembers whether the template wrote it or the data. Include, import and
// inheritance are refused; time, memory and nesting are bounded.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/tokenizer/Segment.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::text {

namespace jinja {
struct Program;
} // namespace jinja

/// What a template is rendered with: an object; keys keep their order.
using Context = nlohmann::ordered_json;

/// The result of rendering.
struct Rendered {
  std::string text;
  /// The same text in pieces. Trusted is what the template itself and the
  /// variables bos_token and eos_token wrote; special tokens are parsed there.
  std::vector<Segment> segments;
};

/// A parsed template. Immutable: several threads may render it.
class Template {
public:
  /// Fails with Jinja's message and the line on a syntax error.
  static Expected<Template> parse(std::string_view source);

  /// Fails with Jinja's message and the line if the template raises, and if it
  /// takes more steps, memory or nesting than any chat needs. Precondition:
  /// none; a context that is not an object is a failure.
  Expected<Rendered> render(const Context &context) const;

private:
  explicit Template(std::shared_ptr<const jinja::Program> program) : program(std::move(program)) {}
  std::shared_ptr<const jinja::Program> program;
};

} // namespace dsv3::text
