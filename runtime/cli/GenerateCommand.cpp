//===- GenerateCommand.cpp - text that continues a prompt -----------------===//
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/TextGeneration.h"

#include <memory>

namespace dsv3::cli {
namespace {
struct GenerateFlags {
  ModelFlags model;
  TextFlags text;
};
} // namespace

static Status generate(const GenerateFlags &flags) {
  Expected<FoundModel> found = findModel(flags.model);
  if (!found) {
    return found.status();
  }
  Expected<std::vector<int32_t>> ids =
      generationPrompt(flags.text, found->texts, found->room(flags.model));
  if (!ids) {
    return ids.status();
  }
  Expected<ModelFiles> files = openModel(*std::move(found), flags.model);
  if (!files) {
    return files.status();
  }
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  runtime::SessionModel session(*(*model)->session);
  return generateText(session, *ids, flags.text, files->texts);
}

void addGenerate(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App *command = app.add_subcommand(
      "generate", "Continues a prompt and prints the text as it comes, then speed on stderr.\n"
                  "What is not given is as the model's generation_config.json says.\n\n"
                  "example: dsv3-run generate --model models/nano --chat 'What is 2 plus 3?'");
  addModelFlags(*command, flags->model);
  addTextFlags(*command, flags->text);
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    chosen = [flags] { return generate(*flags); };
  });
}

} // namespace dsv3::cli
