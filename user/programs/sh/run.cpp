// SPDX-License-Identifier: MIT
// Runs a command tree. Every function here works in a process of its own and never returns.
#include "user/libc/user.hpp"
#include "user/programs/sh/command.hpp"

namespace sh {
namespace {

int fork_or_exit() {
  const int pid = fork();
  if (pid < 0) {
    fprintf(2, "sh: fork failed\n");
    exit(1);
  }
  return pid;
}

__attribute__((noreturn)) void run_words(Command* command) {
  if (command->argument_count == 0 || run_builtin(*command)) exit(0);
  char* name = command->arguments[0];
  exec(name, command->arguments);
  // Programs live in the root: a bare name is looked for there from every directory.
  char path[abi::max_path];
  if (strchr(name, '/') == nullptr && strlen(name) + 2 <= sizeof(path)) {
    path[0] = '/';
    strcpy(path + 1, name);
    exec(path, command->arguments);
  }
  fprintf(2, "exec %s failed: %s\n", name, exec_error());
  exit(1);
}

// Files have no append mode: reading to the end leaves the offset there.
void go_to_end(int fd) {
  char skipped[512];
  while (read(fd, skipped, sizeof(skipped)) > 0) {
  }
}

void redirect(const Command& command) {
  close(command.fd);
  // The lowest free descriptor is the one just closed: those below it are open.
  if (open(command.path, command.mode) != command.fd) {
    fprintf(2, "open %s failed\n", command.path);
    exit(1);
  }
  if (command.append == Append::yes) go_to_end(command.fd);
}

// Makes `end` of a pipe descriptor `fd` and drops the pipe's own two descriptors.
void become_end(int (&fds)[2], int end, int fd) {
  close(fd);
  dup(fds[end]);
  close(fds[0]);
  close(fds[1]);
}

// Starts both sides of a pipe: returns the side to run in each child, and ends the parent when both have.
Command* split_pipe(const Command& command) {
  int fds[2];
  if (pipe(fds) < 0) {
    fprintf(2, "sh: pipe failed\n");
    exit(1);
  }
  if (fork_or_exit() == 0) {
    become_end(fds, 1, 1);
    return command.left;
  }
  const int right = fork_or_exit();
  if (right == 0) {
    become_end(fds, 0, 0);
    return command.right;
  }
  close(fds[0]);
  close(fds[1]);
  int result = 1;
  for (int i = 0; i < 2; ++i) {
    int status = 0;
    if (wait(&status) == right) result = status;
  }
  exit(result);
}

}  // namespace

bool run_builtin(const Command& command) {
  if (command.kind != Kind::words || command.argument_count == 0) return false;
  if (strcmp(command.arguments[0], "cd") != 0) return false;
  const char* target = command.argument_count == 1 ? "/" : command.arguments[1];
  if (chdir(target) < 0) fprintf(2, "cannot cd %s\n", target);
  return true;
}

// A loop, not a recursion: the stack is one page, and a line can hold many commands.
void run(Command* command) {
  for (;;) {
    switch (command->kind) {
      case Kind::words: run_words(command);
      case Kind::redirect:
        redirect(*command);
        command = command->left;
        break;
      case Kind::pipe: command = split_pipe(*command); break;
      case Kind::sequence:
        if (!run_builtin(*command->left)) {
          if (fork_or_exit() == 0) {
            command = command->left;
            break;
          }
          wait(nullptr);
        }
        command = command->right;
        break;
      case Kind::background:
        if (fork_or_exit() != 0) exit(0);  // init becomes the parent of what goes on
        command = command->left;
        break;
    }
  }
}

}  // namespace sh
