// SPDX-License-Identifier: MIT
#include "tools/vellum/metered.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "vellum/machine/machine_impl.hpp"

template class vellum::Machine<vellum::TranslationMeter>;

namespace vellum_tool {

namespace {

using vellum::TranslationWork;
using vellum::u32;
using vellum::u64;

constexpr u32 most_entries = 65536;

std::string describe(std::string_view name, const TranslationWork& work, bool as_json) {
  const std::array<std::pair<std::string_view, u64>, 9> counts{{{"instructions", work.instructions},
                                                                {"satp writes", work.satp_writes},
                                                                {"full fences", work.full_fences},
                                                                {"fences of a space", work.space_fences},
                                                                {"fences of a page", work.page_fences},
                                                                {"fetch misses", work.fetch_misses},
                                                                {"data misses", work.data_misses},
                                                                {"walks", work.walks},
                                                                {"entries read", work.entries_read}}};
  std::string text = as_json ? "{\"tlb\": \"" + std::string(name) + "\"" : "vellum: tlb, " + std::string(name) + ":";
  std::string_view separator = as_json ? ", " : " ";
  for (const auto& [what, count] : counts) {
    text += separator;
    text += as_json ? "\"" + std::string(what) + "\": " + std::to_string(count)
                    : std::to_string(count) + " " + std::string(what);
    separator = ", ";
  }
  return text + (as_json ? "}\n" : "\n");
}

/// A number from 1 on, and what stands behind it.
std::optional<u32> take_number(std::string_view& text) {
  u32 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value == 0 || value > most_entries) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_sign(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::expected<vellum::TlbShape, Complaint> parse_tlb(std::string_view text) {
  std::string_view rest = text;
  const auto number_before = [&rest](char sign) -> std::optional<u32> {
    const auto value = take_number(rest);
    return value && (sign == 0 ? rest.empty() : take_sign(rest, sign)) ? value : std::nullopt;
  };
  // One after the other: each takes its part of the text.
  const auto fetch = number_before(',');
  const auto data = fetch ? number_before(',') : std::nullopt;
  const auto second = data ? number_before('x') : std::nullopt;
  const auto ways = second ? number_before(0) : std::nullopt;
  if (!ways || *second % *ways != 0) {
    return std::unexpected(Complaint{"--tlb " + std::string(text) + ": not the sizes of three caches",
                                     "--tlb 32,32,1024x4: for instructions, for data, and 1024 entries in 4 ways"});
  }
  return vellum::TlbShape{*fetch, *data, *second, *ways};
}

MeterHolder::MeterHolder(const vellum::TlbShape& shape, unsigned harts)
    : entries_(std::size_t{shape.entries()} * harts), meter_(shape, entries_) {}

Metered::Metered(const Parts& parts, const Settings& settings)
    : MeterHolder(*settings.tlb, settings.harts),
      MachineVm<vellum::TranslationMeter>(parts, settings, meter_),
      settings_(settings) {
  meter_.attach(machine());
}

vellum::StopReason Metered::run(u64 steps, vellum::WhenIdle when_idle) {
  const vellum::StopReason reason = MachineVm<vellum::TranslationMeter>::run(steps, when_idle);
  for (const TranslationWork& window : meter_.windows()) {
    reports_ += describe("window " + std::to_string(++windows_told_), window, settings_.json);
  }
  meter_.take_windows();
  return reason;
}

bool Metered::restart() {
  meter_.forget_translations();
  return MachineVm<vellum::TranslationMeter>::restart();
}

std::string Metered::total() const { return describe("in all", meter_.total(), settings_.json); }

}  // namespace vellum_tool
