// SPDX-License-Identifier: MIT
// sh: reads lines from standard input and runs them. Knows pipes, <, >, >>, ;, &, parentheses and cd.
// sh -c WORD...: runs the words as one line.
#include "user/libc/user.hpp"
#include "user/programs/sh/command.hpp"
#include "user/programs/sh/editor.hpp"

namespace {

using sh::max_line;

constinit sh::Editor editor;
char line[max_line];

enum class Input { line, end };

// A terminal is asked; a script is read silently.
bool is_interactive() {
  abi::Stat status;
  return fstat(0, &status) == 0 && status.type == abi::FileType::device;
}

// Half of a line that does not fit must not run.
void refuse_line() {
  fprintf(2, "sh: line too long\n");
  line[0] = '\0';
}

// One line of standard input, without its newline.
Input read_line() {
  int used = 0;
  bool too_long = false;
  char c;
  int n;
  while ((n = read(0, &c, 1)) == 1 && c != '\n') {
    if (used + 1 == max_line)
      too_long = true;
    else
      line[used++] = c == '\0' ? ' ' : c;
  }
  line[used] = '\0';
  if (too_long) refuse_line();
  return n != 1 && used == 0 ? Input::end : Input::line;
}

// One line of a person's, edited here if the kernel lets us have the keys.
Input ask_line() {
  switch (editor.read_line()) {
    case sh::Editor::Result::end: return Input::end;
    case sh::Editor::Result::line:
      strcpy(line, editor.text());
      if (editor.too_long()) refuse_line();
      return Input::line;
    case sh::Editor::Result::no_console: break;
  }
  write(2, "$ ", 2);
  return read_line();
}

// One command of a line, in a process of its own unless it must change this one. Returns its status.
int run_and_wait(sh::Command* command) {
  if (sh::run_builtin(*command)) return 0;
  const int pid = fork();
  if (pid < 0) {
    fprintf(2, "sh: fork failed\n");
    return 1;
  }
  if (pid == 0) sh::run(command);
  int status = 0;
  wait(&status);
  return status;
}

// Ctrl-C is meant for the line, not for one command of it.
void run_line() {
  sh::Command* command = sh::parse(line);
  for (; command != nullptr && command->kind == sh::Kind::sequence; command = command->right)
    if (run_and_wait(command->left) == abi::interrupted_status) return;
  if (command != nullptr) run_and_wait(command);
}

int run_words(int argc, char** argv) {
  int used = 0;
  for (int i = 2; i < argc; ++i) {
    const int length = static_cast<int>(strlen(argv[i]));
    if (used + length + 2 > max_line) {
      fprintf(2, "sh: line too long\n");
      return 1;
    }
    memcpy(line + used, argv[i], static_cast<std::size_t>(length));
    used += length;
    line[used++] = ' ';
  }
  line[used] = '\0';
  sh::Command* command = sh::parse(line);
  if (command == nullptr) return 1;
  sh::run(command);
}

// The three standard descriptors are open, whoever started this.
void open_console() {
  int fd;
  while ((fd = open("console", abi::OpenMode::read_write)) >= 0) {
    if (fd >= 3) {
      close(fd);
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "-c") == 0) return run_words(argc, argv);
  open_console();
  const bool interactive = is_interactive();
  for (;;) {
    if ((interactive ? ask_line() : read_line()) == Input::end) return 0;
    run_line();
  }
}
