// SPDX-License-Identifier: MIT
#pragma once
// The past of a run: snapshots, what was typed when, and the way to any earlier moment and back.
//
// A snapshot is the machine's state without its pages. Between two snapshots lies an epoch, with a list of the pages
// that were stored to in it. Each stands there with its content at that end of the epoch which is further from the
// machine; to cross the epoch, in either direction, its pages and the list's are exchanged. So nothing but the pages
// that changed is ever kept, once.
//
// In the past the machine runs on from a snapshot as it did the first time, with the same input. What it stores to
// meanwhile is kept in one more list, the excursion, by which it returns to the snapshot.
//
// All memory comes from the caller. When it is used up, that snapshot goes which is missed least.

#include <array>
#include <optional>
#include <span>

#include "vellum/machine/machine.hpp"

namespace vellum {

/// Something that came from outside: how far virtual time had been moved, and what was typed then.
struct InputEvent {
  u64 moment;       // schedule().steps
  u64 nanoseconds;  // virtual time
  u32 count;        // of bytes typed
  u32 offset;       // where they stand in the log's bytes
};

/// Memory for a Timeline.
struct TimelineStorage {
  std::span<u8> frames;          // a multiple of 4 KiB: contents of pages
  std::span<u32> links;          // two for each frame
  std::span<u8> marks;           // one for each page of Memory
  std::span<InputEvent> events;  // how many inputs can be remembered
  std::span<u8> typed;           // their bytes
};

/// What the observer of a machine with a Timeline calls from on_first_store().
class PageKeeper {
 public:
  virtual void keep(u64 page) = 0;

 protected:
  ~PageKeeper() = default;
};

template <Observer O>
class Timeline final : public PageKeeper {
 public:
  static constexpr u32 max_snapshots = 128;

  Timeline(Machine<O>& machine, const TimelineStorage& storage);

  /// The machine's moment, the furthest it has been at, and the earliest that can be gone to.
  [[nodiscard]] u64 now() const { return machine_.schedule().steps; }
  [[nodiscard]] u64 head() const { return in_past_ ? head_.schedule.steps : now(); }
  [[nodiscard]] u64 earliest() const { return snapshots_[0].schedule.steps; }
  [[nodiscard]] bool is_in_past() const { return in_past_; }

  /// Makes a snapshot here; in the past there is nothing to do.
  void take();
  /// Makes one if the last is so many instructions old.
  void take_if_due(u64 distance) {
    if (!in_past_ && (is_lost_ || now() - begin_of(last_) >= distance)) take();
  }
  /// Types, and remembers it. In the past this begins another future: what came after is forgotten.
  usize feed(std::span<const u8> bytes);
  /// Lets time pass while every hart waits, and remembers it.
  void advance_to(u64 nanoseconds);

  /// Runs on; in the past as it went the first time, and not beyond the head in the same call.
  StopReason run(u64 steps, WhenIdle when_idle);
  /// Goes to a moment between earliest() and head(). False: an observer stopped it on the way.
  bool go_to(u64 moment);
  /// Forgets what came after this moment.
  void cut();

  /// The last moments, begun before `before`, between which a page (Memory's number) was stored to. Nothing: none is
  /// remembered.
  struct Span {
    u64 begin, end;
  };
  [[nodiscard]] std::optional<Span> last_stores_to(u64 page, u64 before) const;

  /// The input so far, for writing it down.
  [[nodiscard]] std::span<const InputEvent> events() const { return storage_.events.first(event_count_); }
  [[nodiscard]] std::span<const u8> typed() const { return storage_.typed.first(typed_count_); }
  /// Input to come, in the order of its moments; run() gives it to the machine when it gets there. False: no room.
  bool add_event(u64 moment, u64 nanoseconds, std::span<const u8> bytes);
  [[nodiscard]] bool has_input_to_come() const { return next_event_ < event_count_; }

  void keep(u64 page) override;

 private:
  static constexpr u32 nothing = ~u32{0};
  struct List {
    u32 first = nothing;
    u32 count = 0;
  };

  [[nodiscard]] std::span<u8> frame(u32 index) { return storage_.frames.subspan(u64{index} * page_bytes, page_bytes); }
  [[nodiscard]] u32& next_of(u32 index) { return storage_.links[2 * index]; }
  [[nodiscard]] u32& page_of(u32 index) { return storage_.links[2 * index + 1]; }
  [[nodiscard]] bool has(const List& list, u64 page) const;
  [[nodiscard]] u64 begin_of(u32 epoch) const { return snapshots_[epoch].schedule.steps; }
  [[nodiscard]] u64 end_of(u32 epoch) const { return epoch < last_ ? begin_of(epoch + 1) : head(); }
  void put(List& list, u32 index);
  void release(List& list);
  void exchange(const List& list);
  void remove_snapshot(u32 index);
  void merge(u32 epoch);
  bool make_room();
  void go_to_past();
  void enter(u32 epoch);
  void return_to_head();
  bool give_due_input();
  void find_next_event();

  Machine<O>& machine_;
  TimelineStorage storage_;
  std::array<MachineState, max_snapshots> snapshots_{};  // at the begin of each epoch
  std::array<List, max_snapshots> epochs_{};
  List excursion_;
  MachineState head_{};  // where the last epoch ends, while the machine is in the past
  u32 free_ = nothing;
  u32 free_count_ = 0;
  u32 epoch_ = 0;  // in which the machine is
  u32 last_ = 0;
  bool in_past_ = false;
  bool is_lost_ = false;  // one epoch needed more than there is: the past begins anew
  usize event_count_ = 0, typed_count_ = 0, next_event_ = 0;
};

}  // namespace vellum
