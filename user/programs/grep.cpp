// SPDX-License-Identifier: MIT
// grep PATTERN [FILE...]: the lines that match. ^ and $ anchor, . is any character, * repeats the one before.
#include "user/libc/user.hpp"

namespace {

constexpr int max_atoms = 128;
constexpr int max_line = 1024;

struct Atom {
  char c;
  bool any;
  bool repeated;
};

// A pattern, taken apart once.
struct Pattern {
  Atom atoms[max_atoms];
  int count = 0;
  bool at_start = false;
  bool at_end = false;
};

bool parse(Pattern& pattern, const char* text) {
  if (*text == '^') pattern.at_start = true, ++text;
  for (; *text != '\0'; ++text) {
    if (*text == '$' && text[1] == '\0') {
      pattern.at_end = true;
      break;
    }
    // A star with nothing before it stands for itself.
    if (*text == '*' && pattern.count > 0 && !pattern.atoms[pattern.count - 1].repeated) {
      pattern.atoms[pattern.count - 1].repeated = true;
      continue;
    }
    if (pattern.count == max_atoms) return false;
    pattern.atoms[pattern.count++] = {*text, *text == '.', false};
  }
  return true;
}

bool fits(const Atom& atom, char c) { return atom.any || atom.c == c; }

// The set of atoms that may come next, as a bit mask of 129: every position of the pattern is followed at once,
// so no pattern can make this slow.
struct States {
  std::uint64_t bits[3] = {0, 0, 0};
  void add(int at) { bits[at / 64] |= std::uint64_t{1} << (at % 64); }
  bool has(int at) const { return (bits[at / 64] >> (at % 64) & 1) != 0; }
};

// Adds `at` and what can be reached from it without reading: past every repeated atom.
void reach(const Pattern& pattern, States& states, int at) {
  while (!states.has(at)) {
    states.add(at);
    if (at == pattern.count || !pattern.atoms[at].repeated) return;
    ++at;
  }
}

bool matches(const Pattern& pattern, const char* line, int length) {
  States now;
  reach(pattern, now, 0);
  for (int i = 0;; ++i) {
    if (now.has(pattern.count) && (!pattern.at_end || i == length)) return true;
    if (i == length) return false;
    States next;
    for (int at = 0; at < pattern.count; ++at)
      if (now.has(at) && fits(pattern.atoms[at], line[i]))
        reach(pattern, next, pattern.atoms[at].repeated ? at : at + 1);
    if (!pattern.at_start) reach(pattern, next, 0);
    now = next;
  }
}

char buffer[4096];
char line[max_line + 1];
constinit Pattern pattern = {};

// A line longer than max_line is looked at, and printed, in pieces.
bool search(int fd) {
  bool found = false;
  int used = 0;
  const auto finish_line = [&] {
    if (matches(pattern, line, used)) {
      found = true;
      line[used] = '\n';
      write(1, line, used + 1);
    }
    used = 0;
  };
  int n;
  while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
    for (int i = 0; i < n; ++i) {
      if (buffer[i] != '\n') line[used++] = buffer[i];
      if (buffer[i] == '\n' || used == max_line) finish_line();
    }
  }
  if (used > 0) finish_line();
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(2, "usage: grep pattern [file ...]\n");
    return 2;
  }
  if (!parse(pattern, argv[1])) {
    fprintf(2, "grep: pattern too long\n");
    return 2;
  }
  if (argc == 2) return search(0) ? 0 : 1;
  bool found = false;
  for (int i = 2; i < argc; ++i) {
    const int fd = open(argv[i], abi::OpenMode::read_only);
    if (fd < 0) {
      fprintf(2, "grep: cannot open %s\n", argv[i]);
      return 2;
    }
    found |= search(fd);
    close(fd);
  }
  return found ? 0 : 1;
}
