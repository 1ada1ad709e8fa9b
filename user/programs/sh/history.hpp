// SPDX-License-Identifier: MIT
#pragma once
// The lines that were entered, the newest ones: as many as fit.

namespace sh {

class History {
 public:
  // Remembers a line, unless it is empty or the newest already.
  void add(const char* line);
  // The line entered `back` lines ago (0: the newest), or nullptr.
  const char* get(int back) const;
  // How far back the newest line is that holds `part`, from `back` on; -1: none.
  int find(const char* part, int back) const;

 private:
  static constexpr int capacity = 4096;
  char text_[capacity] = {};  // lines, each with its NUL, the newest last
  int used_ = 0;
};

}  // namespace sh
