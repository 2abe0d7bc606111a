//===- RenderCommand.cpp - chat templates, rendered -----------------------===//
#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Support/File.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Streams.h"
#include "runtime/template/ChatTemplate.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace dsv3::cli {
namespace {
struct RenderFlags {
  std::string model, messages, tools, variables, templateFile, context;
  bool noGenerationPrompt = false;
};
} // namespace

static Expected<text::Context> readJson(const std::string &path) {
  Expected<std::string> bytes = readFile(path, mostInputBytes);
  if (!bytes) {
    return bytes.failure();
  }
  auto parsed = checkpoint::parseJson<text::Context>(*bytes, path);
  if (!parsed) {
    Failure failure = parsed.failure();
    failure.hint = "mend the file there; `python3 -m json.tool` reads JSON too";
    return failure;
  }
  return parsed;
}

/// The file `path` if one is given.
static Status readOptional(const std::string &path, text::Context &value) {
  if (path.empty()) {
    return {};
  }
  Expected<text::Context> read = readJson(path);
  if (!read) {
    return read.status();
  }
  value = *std::move(read);
  return {};
}

static Status print(const Expected<text::Rendered> &rendered) {
  return rendered ? writeOutput(rendered->text) : rendered.status();
}

/// A failure of the template in the file `path`.
static Failure named(const Status &status, const std::string &path) {
  Failure failure = status.failure();
  failure.where = path + ": " + failure.where;
  return failure;
}

static Status renderFile(const RenderFlags &flags) {
  Expected<std::string> source = readFile(flags.templateFile, mostInputBytes);
  if (!source) {
    return source.status();
  }
  Expected<text::Context> context = readJson(flags.context);
  if (!context) {
    return context.status();
  }
  if (!context->is_object()) {
    return Failure{"expected an object of variables, found " + std::string(context->type_name()),
                   flags.context};
  }
  Expected<text::Template> parsed = text::Template::parse(*source);
  Status printed = parsed ? print(parsed->render(*context)) : parsed.status();
  return printed ? printed : named(printed, flags.templateFile);
}

static Status renderMessages(const RenderFlags &flags) {
  Expected<text::TokenizerConfig> config = text::TokenizerConfig::load(flags.model);
  if (!config) {
    return config.status();
  }
  text::ChatRequest request;
  request.addGenerationPrompt = !flags.noGenerationPrompt;
  for (auto [path, value] :
       {std::pair(&flags.messages, &request.messages), std::pair(&flags.tools, &request.tools),
        std::pair(&flags.variables, &request.extra)}) {
    if (Status status = readOptional(*path, *value); !status) {
      return status;
    }
  }
  if (!request.messages.is_array()) {
    return Failure{"expected a list of messages, found " +
                       std::string(request.messages.type_name()),
                   flags.messages, R"(for example [{"role": "user", "content": "Hello"}])"};
  }
  if (!request.extra.is_object()) {
    return Failure{"expected an object, found " + std::string(request.extra.type_name()),
                   flags.variables, R"(for example {"thinking": true})"};
  }
  Expected<text::Template> parsed = text::chatTemplateOf(*config, !request.tools.is_null());
  return parsed ? print(text::renderChat(*parsed, *config, request)) : parsed.status();
}

void addRender(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<RenderFlags>();
  CLI::App *command = app.add_subcommand(
      "render", "Prints the prompt that a chat template makes of messages, with nothing added.\n"
                "Either of a model's own template, or of any with all its variables given.\n\n"
                "example: dsv3-run render --model models/nano --messages chat.json\n"
                "example: dsv3-run render --template t.jinja --context variables.json");
  auto *model = command->add_option("--model", flags->model, "folder with tokenizer_config.json");
  auto *messages =
      command->add_option("--messages", flags->messages, "JSON list of {role, content}")
          ->needs(model);
  model->needs(messages);
  command->add_option("--tools", flags->tools, "JSON list of tools")->needs(model);
  command->add_option("--variables", flags->variables, "JSON object of further variables")
      ->needs(model);
  command
      ->add_flag("--no-generation-prompt", flags->noGenerationPrompt, "end after the last message")
      ->needs(model);
  auto *source = command->add_option("--template", flags->templateFile, "file with a template")
                     ->excludes(model);
  auto *context = command->add_option("--context", flags->context, "JSON object of all variables")
                      ->needs(source);
  source->needs(context);
  command->callback([flags, &chosen] {
    if (flags->model.empty() && flags->templateFile.empty()) {
      throw CLI::RequiredError("render: --model and --messages, or --template and --context");
    }
    chosen = [flags] { return flags->model.empty() ? renderFile(*flags) : renderMessages(*flags); };
  });
}

} // namespace dsv3::cli
