// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/foliowalk/look.hpp"

namespace foliowalk {

/// One question of the page. How it arrives (HTTP, or a call inside the browser) is somebody else's business.
struct Question {
  std::string name;  // "scene", "map", "explain", ...
  bool changes_something = false;  // HTTP's POST
  std::map<std::string, std::string> parameters;

  /// Empty when the parameter was not given.
  [[nodiscard]] std::string get(const std::string& parameter) const;
};

struct Answer {
  int status = 200;  // as in HTTP: 400 what was asked makes no sense, 404 it is not there (any more)
  nlohmann::json value;
};

/// The questions that the explorer's page asks about a guest, and their answers as JSON.
class Api {
 public:
  explicit Api(Look& look);

  /// 404 for a question that nobody knows.
  [[nodiscard]] Answer answer(const Question& question);

 private:
  using Handler = std::function<Answer(const Question&)>;
  void add(const std::string& name, Handler handler);
  void add_for_space(const std::string& name,
                     std::function<Answer(const Question&, const Scene&, const Space&)> handler);

  [[nodiscard]] Answer scene();
  [[nodiscard]] Answer explained(const Question& question, const Scene& scene, const Space& space);
  [[nodiscard]] Answer frame(const Question& question);
  [[nodiscard]] Answer timeline(const Question& question);
  [[nodiscard]] Answer moments(const Question& question);
  [[nodiscard]] Answer diff(const Question& question);
  [[nodiscard]] std::shared_ptr<const Scene> scene_of(const std::string& moment);

  Look& look_;
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace foliowalk
