// SPDX-License-Identifier: MIT
// line     := pipeline { ("&" | ";") pipeline }      an empty pipeline is nothing
// pipeline := command { "|" command }
// command  := { word | redirection } | "(" line ")" { redirection }
#include "user/libc/user.hpp"
#include "user/programs/sh/command.hpp"

namespace sh {
namespace {

// What one line may have; a line that needs more is refused.
constexpr int max_commands = 64;
// Each level of parentheses takes a few frames of the one-page stack, here and again when it runs.
constexpr int max_depth = 10;

constinit Command commands[max_commands] = {};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v'; }
bool is_symbol(char c) { return c == '<' || c == '>' || c == '|' || c == '&' || c == ';' || c == '(' || c == ')'; }

enum class Token { end, word, in, out, append, pipe, background, sequence, open, close };

class Parser {
 public:
  explicit Parser(char* line) : at_(line) { advance(); }

  Command* whole_line() {
    Command* command = parse_line(0);
    if (error_ == nullptr && token_ != Token::end) error_ = "unexpected )";
    if (error_ == nullptr) return command;
    fprintf(2, "sh: syntax error: %s\n", error_);
    return nullptr;
  }

 private:
  // Reads the next token. A word is ended by a NUL only when the token behind it has been read, for that token may
  // begin where the NUL goes.
  void advance() {
    while (is_space(*at_)) *at_++ = '\0';
    const char c = *at_;
    if (c == '\0') return set(Token::end);
    if (!is_symbol(c)) {
      word_ = at_;
      while (*at_ != '\0' && !is_space(*at_) && !is_symbol(*at_)) ++at_;
      return set(Token::word);
    }
    *at_++ = '\0';
    switch (c) {
      case '<': return set(Token::in);
      case '>':
        if (*at_ != '>') return set(Token::out);
        *at_++ = '\0';
        return set(Token::append);
      case '|': return set(Token::pipe);
      case '&': return set(Token::background);
      case ';': return set(Token::sequence);
      case '(': return set(Token::open);
      default: return set(Token::close);
    }
  }

  void set(Token token) { token_ = token; }

  // Never nullptr: when the commands run out the last one is used again, in a tree that will not be run.
  Command* make(Kind kind, Command* left = nullptr, Command* right = nullptr) {
    if (used_ == max_commands) fail("too many commands"), --used_;
    Command* command = &commands[used_++];
    *command = {};
    command->kind = kind;
    command->left = left;
    command->right = right;
    return command;
  }

  void fail(const char* why) {
    if (error_ == nullptr) error_ = why;
  }

  // Sequences and pipelines lean to the right: what runs them goes down the right side without new processes.
  Command* parse_line(int depth) {
    Command* all = nullptr;
    Command** last = &all;
    while (error_ == nullptr) {
      Command* next = parse_pipeline(depth);
      const bool background = token_ == Token::background;
      if (background && next != nullptr) next = make(Kind::background, next);
      if (next != nullptr) last = append(last, Kind::sequence, next);
      if (!background && token_ != Token::sequence) break;
      advance();
    }
    return all;
  }

  Command* parse_pipeline(int depth) {
    Command* all = parse_command(depth);
    Command** last = &all;
    while (error_ == nullptr && token_ == Token::pipe) {
      advance();
      Command* next = parse_command(depth);
      if (all == nullptr || next == nullptr) {
        fail("a pipe needs two commands");
        return nullptr;
      }
      last = append(last, Kind::pipe, next);
    }
    return all;
  }

  // Joins `next` to the last part of a chain, held by `last`; returns what holds the last part now.
  Command** append(Command** last, Kind kind, Command* next) {
    if (*last == nullptr) {
      *last = next;
      return last;
    }
    *last = make(kind, *last, next);
    return &(*last)->right;
  }

  Command* parse_command(int depth) {
    if (token_ == Token::open) return parse_block(depth);
    if (token_ != Token::word && !is_redirection()) return nullptr;
    Command* words = make(Kind::words);
    Command* whole = words;
    Command** hole = &whole;
    while (error_ == nullptr && (token_ == Token::word || is_redirection())) {
      if (token_ == Token::word)
        add_word(*words);
      else
        hole = parse_redirection(hole);
    }
    if (token_ == Token::open) fail("unexpected (");
    return whole;
  }

  void add_word(Command& words) {
    // The last slot stays nullptr: exec's vector ends there.
    if (words.argument_count + 1 == static_cast<int>(abi::max_arguments)) return fail("too many words");
    words.arguments[words.argument_count++] = word_;
    advance();
  }

  Command* parse_block(int depth) {
    if (depth == max_depth) {
      fail("parentheses too deep");
      return nullptr;
    }
    advance();
    Command* inner = parse_line(depth + 1);
    if (token_ != Token::close) {
      fail("missing )");
      return nullptr;
    }
    advance();
    if (inner == nullptr) inner = make(Kind::words);
    Command** hole = &inner;
    while (error_ == nullptr && is_redirection()) hole = parse_redirection(hole);
    if (error_ == nullptr && (token_ == Token::word || token_ == Token::open)) fail("unexpected word after )");
    return inner;
  }

  bool is_redirection() const { return token_ == Token::in || token_ == Token::out || token_ == Token::append; }

  // Puts a redirection between `hole` and what it holds, and returns the new hole: redirections are done from left
  // to right, so that the last one holds.
  Command** parse_redirection(Command** hole) {
    const Token kind = token_;
    advance();
    if (token_ != Token::word) {
      fail("missing file for redirection");
      return hole;
    }
    Command* command = make(Kind::redirect, *hole);
    using Mode = abi::OpenMode;
    command->path = word_;
    command->fd = kind == Token::in ? 0 : 1;
    command->append = kind == Token::append ? Append::yes : Append::no;
    command->mode = kind == Token::in    ? Mode::read_only
                    : kind == Token::out ? Mode::write_only | Mode::create | Mode::truncate
                                         : Mode::read_write | Mode::create;
    advance();
    *hole = command;
    return &command->left;
  }

  char* at_;
  char* word_ = nullptr;
  Token token_ = Token::end;
  const char* error_ = nullptr;
  int used_ = 0;
};

}  // namespace

Command* parse(char* line) { return Parser(line).whole_line(); }

}  // namespace sh
