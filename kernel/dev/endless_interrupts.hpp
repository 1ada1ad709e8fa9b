// SPDX-License-Identifier: MIT
#pragma once
// Interrupts that do not end: a line that a device holds whatever its driver does, or that another device holds on the
// same line, which no driver knows. Free of the target.

#include <atomic>
#include <concepts>

#include "lib/types.hpp"

namespace dev {

/// An interrupt controller as a hart sees it. Source 0 is none.
template <class T>
concept InterruptController = requires(T& controller, u32 source) {
  { controller.claim() } -> std::same_as<u32>;
  controller.complete(source);
  controller.silence(source);
};

/// Claims in one trap after which the source does not end: several devices at their busiest are far from it.
inline constexpr u32 endless = 1000;

/// Serves what is pending until nothing is, so that several devices cost one trap; a source that does not end is
/// silenced instead.
template <InterruptController Controller, class Serve>
void serve_interrupts(Controller& controller, const Serve& serve) {
  for (u32 claims = 1;; ++claims) {
    const u32 source = controller.claim();
    if (source == 0) return;
    serve(source);
    if (claims == endless) [[unlikely]]
      controller.silence(source);
    controller.complete(source);
    if (claims == endless) [[unlikely]]
      return;
  }
}

/// Sources that are not heard for a while, so that what does not end takes its share of each while
/// and no more. Any hart at any time.
template <u32 source_count>
class SilencedSources {
 public:
  static constexpr u64 nobody = ~u64{0};

  /// The source is silent; all are heard again at `until`.
  void add(u32 source, u64 until) {
    words_[source / bits_per_word].fetch_or(1U << source % bits_per_word, std::memory_order_relaxed);
    until_.store(until, std::memory_order_release);
  }

  /// When somebody is to be heard again, or `nobody`.
  [[nodiscard]] u64 until() const { return until_.load(std::memory_order_relaxed); }

  /// Calls hear(source) for each if it is time. One hart does it; who is silenced meanwhile has a time of its own.
  template <class Hear>
  void look(u64 now, const Hear& hear) {
    u64 until = until_.load(std::memory_order_acquire);
    if (now < until || until == nobody) return;
    if (!until_.compare_exchange_strong(until, nobody, std::memory_order_acq_rel)) return;
    for (u32 word = 0; word < source_count / bits_per_word; ++word) {
      u32 sources = words_[word].exchange(0, std::memory_order_relaxed);
      for (; sources != 0; sources &= sources - 1) {
        hear(word * bits_per_word + static_cast<u32>(__builtin_ctz(sources)));
      }
    }
  }

 private:
  static constexpr u32 bits_per_word = 32;
  static_assert(source_count % bits_per_word == 0);

  std::atomic<u32> words_[source_count / bits_per_word]{};
  std::atomic<u64> until_{nobody};
};

}  // namespace dev
