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

  [[nodiscard]] nlohmann::json state() const;
  [[nodiscard]] nlohmann::json findings(vellum::usize after) const;
  [[nodiscard]] nlohmann::json blame(vellum::u64 entry_address) const;

 private:
  Guest() = default;
  [[nodiscard]] nlohmann::json json_of(const vellum::Moment& moment, const vellum::CallChain& callers) const;
  [[nodiscard]] nlohmann::json json_of(const vellum::Finding& finding, vellum::usize number) const;
  void make_memory(const Wish& wish);
  void make_explorer();

  std::vector<vellum::u8> kernel_, image_, ram_, rom_, table_pages_;
  std::vector<vellum::PageInfo> pages_;
  std::vector<vellum::DecodedPage> code_;
  std::vector<vellum::EntryChange> changes_;
  std::vector<vellum::u64> buckets_, asid_fences_;
  std::vector<vellum::CodeStore> code_stores_;
  std::vector<vellum::Finding> found_;
  std::string bootargs_;
  std::unique_ptr<vellum::Judges> judges_;
  std::unique_ptr<vellum::Judges::JudgedMachine> machine_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<foliowalk::Source> source_;
  std::unique_ptr<foliowalk::Look> look_;
  std::unique_ptr<foliowalk::Api> api_;
};

}  // namespace page
