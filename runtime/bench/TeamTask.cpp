//===- TeamTask.cpp - a measured piece of work of all threads -------------===//

#include "runtime/bench/TeamTask.h"

#include <chrono>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {
class TeamTask final : public ThreadTeam::Task {
public:
  explicit TeamTask(const std::function<void(int)> &body) : body(body) {}
  void run(int thread) override { body(thread); }

private:
  const std::function<void(int)> &body;
};
} // namespace

double runtime::secondsOf(ThreadTeam &team, const std::function<void(int)> &body) {
  TeamTask task(body);
  auto begin = std::chrono::steady_clock::now();
  team.run(task);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
