#include "process/process.hpp"

#include <algorithm>

namespace process {

namespace {

/// Copies text into a NUL-terminated array, cut to what fits.
template <usize Size>
void copy_text(std::array<char, Size>& to, std::string_view from) {
  const usize length = std::min(from.size(), Size - 1);
  std::copy_n(from.begin(), length, to.data());
  to[length] = '\0';
}

}  // namespace

void Process::set_program(std::string_view path) {
  copy_text(program_, path.substr(path.rfind('/') + 1));  // npos + 1 is 0: a path without a slash
  name = program_.data();
}

void Process::inherit(const Process& parent) {
  program_ = parent.program_;
  name = program_.data();
  if (!parent.is_watched()) return;  // a slot's masks are clear
  set_trace_mask(parent.trace_mask_);
  set_interpose(parent.interpose_mask_, parent.interpose_path());
}

void Process::set_trace_mask(u32 mask) {
  trace_mask_ = mask;
  update_watched();
}

void Process::set_interpose(u32 mask, std::string_view allowed_path) {
  interpose_mask_ = mask;
  copy_text(interpose_path_, allowed_path);
  update_watched();
}

void Process::update_watched() {
  if (trace_mask_ != 0 || interpose_mask_ != 0) {
    work_.fetch_or(watched_bit, std::memory_order_relaxed);
  } else {
    work_.fetch_and(~watched_bit, std::memory_order_relaxed);
  }
}

}  // namespace process
