// The machine in the tab with everything around it: its memory, its judges, its kernel's names, and the explorer.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "page/machine/names.hpp"
#include "tools/foliowalk/api.hpp"
#include "vellum/judge/judges.hpp"

namespace page {

/// What a guest is made from.
struct Wish {
  vellum::u32 harts = 1;
  vellum::u32 megabytes = 128;
  vellum::u64 seed = 0;
  std::string bootargs;
};

/// One booted machine. It is never moved: the machine points into its parts.
class Guest {
 public:
  /// Null, with a sentence in `why`, when the kernel or the image cannot be used.
  static std::unique_ptr<Guest> boot(const Wish& wish, std::vector<vellum::u8> kernel, std::vector<vellum::u8> image,
                                     std::string& why);

  [[nodiscard]] vellum::Judges::JudgedMachine& machine() { return *machine_; }
  [[nodiscard]] vellum::Judges& judges() { return *judges_; }
  [[nodiscard]] const Names& names() const { return *names_; }
  [[nodiscard]] foliowalk::Answer ask(const foliowalk::Question& question) { return api_->answer(question); }

  /// Types, at the moment where the machine stands. What was typed later is forgotten: a new branch begins.
  void type(std::span<const vellum::u8> bytes);
  struct Typed {
    vellum::u64 step = 0, nanoseconds = 0;
    std::string text;
  };
  [[nodiscard]] const std::vector<Typed>& typed() const { return typed_; }
  /// Takes what was typed from a run that was kept; before go_to().
  void take_typed(std::vector<Typed> typed) { typed_ = std::move(typed); }

  /// Brings the machine to a moment, earlier or later. It starts anew where that is needed: the same input gives the
  /// same run.
  void go_to(vellum::u64 step);
  /// The furthest moment that it has been at on this branch.
  [[nodiscard]] vellum::u64 newest() const { return std::max(newest_, machine_->schedule().steps); }

  [[nodiscard]] nlohmann::json state() const;
  [[nodiscard]] nlohmann::json findings(vellum::usize after) const;
  [[nodiscard]] nlohmann::json blame(vellum::u64 entry_address) const;

 private:
  Guest() = default;
  [[nodiscard]] nlohmann::json json_of(const vellum::Moment& moment, const vellum::CallChain& callers) const;
  [[nodiscard]] nlohmann::json json_of(const vellum::Finding& finding, vellum::usize number) const;
  void make_memory();
  void start_anew();
  void make_explorer();

  Wish wish_;
  std::vector<Typed> typed_;
  vellum::u64 newest_ = 0;
  std::vector<vellum::u8> kernel_, image_as_given_, image_, ram_, rom_, table_pages_;
  std::vector<vellum::PageInfo> pages_;
  std::vector<vellum::DecodedPage> code_;
  std::vector<vellum::EntryChange> changes_;
  std::vector<vellum::u64> buckets_, asid_fences_;
  std::vector<vellum::CodeStore> code_stores_;
  std::vector<vellum::Finding> found_;
  std::unique_ptr<vellum::Judges> judges_;
  std::unique_ptr<vellum::Judges::JudgedMachine> machine_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<foliowalk::Source> source_;
  std::unique_ptr<foliowalk::Look> look_;
  std::unique_ptr<foliowalk::Api> api_;
};

}  // namespace page
