//===- Template.cpp - chat templates --------------------------------------===//
//
// The border of the interpreter: what it raises becomes a Failure here.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Template.h"

#include "runtime/template/Context.h"
#include "runtime/template/Interpreter.h"
#include "runtime/template/Parser.h"
#include "runtime/tokenizer/Utf8.h"

#include <new>

namespace dsv3::text {

struct jinja::Program {
  StmtList statements;
};

static constexpr size_t sourceLimit = size_t(4) << 20;

static Failure failureOf(const jinja::Raised &raised) {
  return {raised.kind + ": " + raised.message,
          raised.line > 0 ? "chat template, line " + std::to_string(raised.line) : "chat template"};
}

Expected<Template> Template::parse(std::string_view source) {
  if (source.size() > sourceLimit) {
    return Failure{"it has " + std::to_string(source.size()) + " bytes, more than the " +
                       std::to_string(sourceLimit) + " that are read",
                   "chat template"};
  }
  if (validUtf8Prefix(source) != source.size()) {
    return Failure{"it is not UTF-8", "chat template"};
  }
  try {
    auto program = std::make_shared<jinja::Program>();
    program->statements = jinja::Parser(jinja::tokenize(source)).parse();
    return Template(std::move(program));
  } catch (const jinja::Raised &raised) {
    return failureOf(raised);
  }
}

Expected<Rendered> Template::render(const Context &context) const {
  if (!context.is_object()) {
    return Failure{std::string("the context must be an object, found ") + context.type_name(),
                   "chat template"};
  }
  try {
    std::shared_ptr<const jinja::DictData> variables = jinja::contextOf(context);
    jinja::Interpreter interpreter(*variables, jinja::Limits());
    jinja::Text text = interpreter.render(program->statements);
    return Rendered{text.str(), text.segments()};
  } catch (const jinja::Raised &raised) {
    return failureOf(raised);
  } catch (const std::bad_alloc &) {
    return Failure{"out of memory", "chat template"};
  }
}

} // namespace dsv3::text
