#include "process/process.hpp"

#include <algorithm>

namespace process {

void Process::set_program(std::string_view path) {
  const std::string_view name_part = path.substr(path.rfind('/') + 1);  // npos + 1 is 0: a path without a slash
  const usize length = std::min(name_part.size(), program_.size() - 1);
  std::copy_n(name_part.begin(), length, program_.data());
  program_[length] = '\0';
  name = program_.data();
}

void Process::inherit(const Process& parent) {
  program_ = parent.program_;
  name = program_.data();
  if (!parent.is_watched()) return;  // a slot's masks are clear
  watch.inherit(parent.watch);
  note_watch_changed();
}

void Process::note_watch_changed() {
  if (watch.is_set()) {
    work_.fetch_or(watched_bit, std::memory_order_relaxed);
  } else {
    work_.fetch_and(~watched_bit, std::memory_order_relaxed);
  }
}

}  // namespace process
