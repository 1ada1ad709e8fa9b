// SPDX-License-Identifier: MIT
// What the page's worker calls. Text goes both ways as JSON, bytes as they are; one answer and one piece of output are
// kept until the next call.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "page/machine/guest.hpp"
#include "tools/foliowalk/number.hpp"

namespace {

using nlohmann::json;
using page::Guest;
using vellum::StopReason;
using vellum::u64;
using vellum::u8;

struct Module {
  std::vector<u8> reserved;
  std::vector<u8> kernel, image;
  std::unique_ptr<Guest> guest;
  bool one_step = false;
  std::string answer;
  std::vector<u8> output;
};

Module& module() {
  static Module the_module;
  return the_module;
}

json refuse(const std::string& why) { return {{"status", 400}, {"value", {{"error", why}}}}; }
json ok(json value) { return {{"status", 200}, {"value", std::move(value)}}; }

json boot(const json& question) {
  Module& m = module();
  m.guest = nullptr;  // its memory first
  page::Wish wish{.harts = question.value("harts", 1U),
                  .megabytes = question.value("megabytes", 128U),
                  .seed = question.value("seed", u64{0}),
                  .bootargs = question.value("bootargs", std::string()),
                  .judges = question.value("judges", true)};
  if (wish.harts < 1 || wish.harts > vellum::max_harts) return refuse("1 to 8 harts");
  if (wish.megabytes < 32 || wish.megabytes > 512) return refuse("32 to 512 MiB of memory");
  std::string why;
  m.guest = Guest::boot(wish, std::move(m.kernel), std::move(m.image), why);
  m.kernel = {};
  m.image = {};
  return m.guest ? ok(nullptr) : refuse(why);
}

json ask(const json& question) {
  foliowalk::Question asked{question.value("name", std::string()), question.value("changes", false), {}};
  for (const auto& [name, value] : question.value("parameters", json::object()).items()) {
    if (value.is_string()) asked.parameters[name] = value.get<std::string>();
  }
  foliowalk::Answer answer = module().guest->ask(asked);
  return {{"status", answer.status}, {"value", std::move(answer.value)}};
}

/// Sets what the next runs stop at. The answer tells whether the machine is there already.
json until(const json& question) {
  Module& m = module();
  Guest& guest = *m.guest;
  const std::string what = question.value("what", std::string());
  guest.forget_stops();
  m.one_step = what == "instruction";
  if (what == "trap") guest.stop_at(vellum::StopAt::trap);
  if (what == "fault") guest.stop_at(vellum::StopAt::page_fault);
  if (what == "satp") guest.stop_at(vellum::StopAt::satp_write);
  if (what == "finding") {
    // In the past the judges are silent: what is there was found the first time.
    const auto known = guest.next_known_finding();
    guest.go_to(known.value_or(guest.newest()));
    guest.stop_at(vellum::StopAt::finding);
    if (known) return ok({{"is_there", true}});
  }
  if (what == "fork" || what == "exec") {
    const u64 function = guest.names().range_of("sys_" + what).begin;
    if (function == 0) return refuse("this kernel has no function sys_" + what);
    if (!guest.stop_at_return_of(function)) return refuse("too many stops are set");
  }
  return ok({{"is_there", false}});
}

// JSON's text is UTF-8, what is typed is bytes: each byte is one letter of Latin-1.

std::string latin1_of(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<u8>(byte);
    if (value < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xc0 | value >> 6);
      text += static_cast<char>(0x80 | (value & 0x3f));
    }
  }
  return text;
}

std::string bytes_of(std::string_view text) {
  std::string bytes;
  for (vellum::usize i = 0; i < text.size(); ++i) {
    const auto value = static_cast<u8>(text[i]);
    const bool is_pair = (value & 0xfc) == 0xc0 && i + 1 < text.size();
    bytes += is_pair ? static_cast<char>(value << 6 | (text[++i] & 0x3f)) : text[i];
  }
  return bytes;
}

json record() {
  json input = json::array();
  for (const auto& typed : module().guest->typed()) {
    input.push_back({{"step", typed.step}, {"nanoseconds", typed.nanoseconds}, {"text", latin1_of(typed.bytes)}});
  }
  return ok({{"input", input}});
}

json replay(const json& question) {
  std::vector<page::Typed> typed;
  for (const json& one : question.value("input", json::array())) {
    if (!one.is_object()) return refuse("this run is damaged");
    typed.push_back(
        {one.value("step", u64{0}), one.value("nanoseconds", u64{0}), bytes_of(one.value("text", std::string()))});
  }
  return module().guest->replay(typed, question.value("end", u64{0})) ? ok(nullptr) : refuse("this run is damaged");
}

json go_to(u64 step) {
  module().guest->go_to(step);
  return ok(nullptr);
}

json answer_to(const json& question) {
  const std::string what = question.value("do", std::string());
  if (what == "boot") return boot(question);
  if (!module().guest) return refuse("nothing has been booted");
  Guest& guest = *module().guest;
  if (what == "state") return ok(guest.state());
  if (what == "ask") return ask(question);
  if (what == "findings") return ok(guest.findings(question.value("after", 0U)));
  if (what == "blame") {
    const auto address = foliowalk::parse_number(question.value("pa", std::string()));
    return address ? ok(guest.blame(*address)) : refuse("not an address");
  }
  if (what == "until") return until(question);
  if (what == "goto") return go_to(question.value("step", u64{0}));
  if (what == "back") {
    const u64 now = guest.machine().schedule().steps;
    return go_to(now == 0 ? 0 : now - 1);
  }
  if (what == "record") return record();
  if (what == "replay") return replay(question);
  return refuse("no such question");
}

}  // namespace

#define PAGE_EXPORT(name) extern "C" [[gnu::used]] __attribute__((export_name(#name)))

PAGE_EXPORT(page_reserve) u8* page_reserve(unsigned bytes) {
  module().reserved.resize(bytes == 0 ? 1 : bytes);
  return module().reserved.data();
}

PAGE_EXPORT(page_take) void page_take(unsigned what, unsigned bytes) {
  Module& m = module();
  m.reserved.resize(bytes);
  (what == 0 ? m.kernel : m.image) = std::exchange(m.reserved, {});
}

PAGE_EXPORT(page_call) unsigned page_call(unsigned bytes) {
  Module& m = module();
  const std::string_view text(reinterpret_cast<const char*>(m.reserved.data()), bytes);
  const json question = json::parse(text, nullptr, false);
  const json answer = question.is_object() ? answer_to(question) : refuse("not a question");
  m.answer = answer.dump(-1, ' ', false, json::error_handler_t::replace);
  return static_cast<unsigned>(m.answer.size());
}

PAGE_EXPORT(page_answer) const char* page_answer() { return module().answer.data(); }

PAGE_EXPORT(page_run) unsigned page_run(double steps) {
  Module& m = module();
  if (!m.guest) return static_cast<unsigned>(StopReason::idle);
  if (std::exchange(m.one_step, false)) {
    // Where every hart waits, the next instruction comes after the next event.
    (void)m.guest->run(1, vellum::WhenIdle::jump);
    return static_cast<unsigned>(StopReason::asked);
  }
  return static_cast<unsigned>(m.guest->run(static_cast<u64>(steps), vellum::WhenIdle::stop));
}

PAGE_EXPORT(page_step) double page_step() { return static_cast<double>(module().guest->machine().schedule().steps); }

PAGE_EXPORT(page_next_event) double page_next_event() {
  const auto& machine = module().guest->machine();
  const auto next = machine.next_event();
  const u64 now = machine.schedule().nanoseconds;
  return !next ? -1 : *next <= now ? 0 : static_cast<double>(*next - now);
}

PAGE_EXPORT(page_skip_to_event) void page_skip_to_event() { module().guest->skip_to_event(); }

PAGE_EXPORT(page_input) void page_input(unsigned bytes) {
  Module& m = module();
  if (m.guest) m.guest->type(std::span(m.reserved).first(bytes));
}

PAGE_EXPORT(page_output) unsigned page_output() {
  Module& m = module();
  m.output = m.guest ? m.guest->take_output() : std::vector<u8>();
  return static_cast<unsigned>(m.output.size());
}

PAGE_EXPORT(page_console) unsigned page_console() {
  Module& m = module();
  const auto console = m.guest->console();
  m.output.assign(console.begin(), console.end());
  return static_cast<unsigned>(m.output.size());
}

PAGE_EXPORT(page_output_at) const u8* page_output_at() { return module().output.data(); }
