// SPDX-License-Identifier: MIT
#pragma once
// Members of Timeline.

#include <algorithm>

#include "vellum/machine/timeline.hpp"

namespace vellum {

template <Observer O>
Timeline<O>::Timeline(Machine<O>& machine, const TimelineStorage& storage) : machine_(machine), storage_(storage) {
  List all;
  for (auto i = static_cast<u32>(storage.frames.size() / page_bytes); i-- > 0;) put(all, i);
  release(all);
  std::fill(storage.marks.begin(), storage.marks.end(), u8{0});
  machine_.save(snapshots_[0]);
  machine_.begin_epoch();
}

template <Observer O>
void Timeline<O>::put(List& list, u32 index) {
  next_of(index) = list.first;
  list.first = index;
  ++list.count;
}

template <Observer O>
void Timeline<O>::release(List& list) {
  while (list.first != nothing) {
    const u32 index = list.first;
    list.first = next_of(index);
    next_of(index) = free_;
    free_ = index;
    ++free_count_;
  }
  list.count = 0;
}

/// The machine is about to store to this page for the first time in its epoch.
template <Observer O>
void Timeline<O>::keep(u64 page) {
  if (free_ == nothing && (in_past_ || !make_room())) {
    is_lost_ = true;
    return;
  }
  const u32 index = free_;
  free_ = next_of(index);
  --free_count_;
  const std::span<u8> content = machine_.memory().content_of(page);
  std::copy(content.begin(), content.end(), frame(index).begin());
  page_of(index) = static_cast<u32>(page);
  put(in_past_ ? excursion_ : epochs_[epoch_], index);
}

template <Observer O>
void Timeline<O>::exchange(const List& list) {
  for (u32 index = list.first; index != nothing; index = next_of(index)) {
    const u64 page = page_of(index);
    machine_.swap_page(page, frame(index).first(machine_.memory().content_of(page).size()));
  }
}

template <Observer O>
void Timeline<O>::remove_snapshot(u32 index) {
  for (u32 i = index; i < last_; ++i) {
    epochs_[i] = epochs_[i + 1];
    snapshots_[i] = snapshots_[i + 1];
  }
  epochs_[last_] = {};
  epoch_ = --last_;
}

/// Makes one epoch of this one and the next: of a page in both, the content at the begin is the earlier one's.
template <Observer O>
void Timeline<O>::merge(u32 epoch) {
  List& to = epochs_[epoch];
  List from = epochs_[epoch + 1], unwanted;
  for (u32 i = to.first; i != nothing; i = next_of(i)) storage_.marks[page_of(i)] = 1;
  while (from.first != nothing) {
    const u32 index = from.first;
    from.first = next_of(index);
    put(storage_.marks[page_of(index)] != 0 ? unwanted : to, index);
  }
  for (u32 i = to.first; i != nothing; i = next_of(i)) storage_.marks[page_of(i)] = 0;
  release(unwanted);
  const List merged = to;
  remove_snapshot(epoch + 1);
  epochs_[epoch] = merged;
}

/// Forgets one snapshot, at the head only: the one between two epochs that are short for their age; the oldest when
/// there is none between. False when this epoch is the only one.
template <Observer O>
bool Timeline<O>::make_room() {
  if (last_ == 0) return false;
  u32 best = nothing;
  u64 least_worth = ~u64{0};
  for (u32 i = 0; i + 1 < last_; ++i) {
    const u64 length = end_of(i + 1) - begin_of(i), age = now() - begin_of(i);
    const u64 worth = (length << 16) / (age + 1);
    if (worth < least_worth) {
      best = i;
      least_worth = worth;
    }
  }
  const u32 had = free_count_;
  if (best != nothing) merge(best);
  if (free_count_ != had) return true;
  if (last_ == 0) return false;
  release(epochs_[0]);
  remove_snapshot(0);
  return free_count_ != had || make_room();
}

template <Observer O>
void Timeline<O>::take() {
  if (in_past_) return;
  if (is_lost_) {
    for (List& list : epochs_) release(list);
    epoch_ = last_ = 0;
    is_lost_ = false;
  } else {
    if (begin_of(last_) == now()) return;
    if (last_ + 1 == max_snapshots) (void)make_room();
    if (last_ + 1 == max_snapshots) return;
    epoch_ = ++last_;
  }
  machine_.save(snapshots_[last_]);
  machine_.begin_epoch();
}

template <Observer O>
bool Timeline<O>::add_event(u64 moment, u64 nanoseconds, std::span<const u8> bytes) {
  if (event_count_ == storage_.events.size() || storage_.typed.size() - typed_count_ < bytes.size()) return false;
  std::copy(bytes.begin(), bytes.end(), storage_.typed.begin() + static_cast<std::ptrdiff_t>(typed_count_));
  const auto offset = static_cast<u32>(typed_count_);
  storage_.events[event_count_++] = {moment, nanoseconds, static_cast<u32>(bytes.size()), offset};
  typed_count_ += bytes.size();
  return true;
}

template <Observer O>
usize Timeline<O>::feed(std::span<const u8> bytes) {
  if (in_past_) cut();
  if (!add_event(now(), machine_.schedule().nanoseconds, bytes)) return 0;
  next_event_ = event_count_;
  return machine_.feed(bytes);
}

template <Observer O>
void Timeline<O>::advance_to(u64 nanoseconds) {
  if (in_past_) return;
  machine_.advance_to(nanoseconds);
}

/// Gives the machine the next remembered input if its moment is now; whether it did.
template <Observer O>
bool Timeline<O>::give_due_input() {
  if (!has_input_to_come() || storage_.events[next_event_].moment > now()) return false;
  const InputEvent& event = storage_.events[next_event_++];
  machine_.advance_to(event.nanoseconds);
  (void)machine_.feed(storage_.typed.subspan(event.offset, event.count));
  return true;
}

/// After a jump: the first input that came after the machine's moment. At the same moment virtual time tells.
template <Observer O>
void Timeline<O>::find_next_event() {
  next_event_ = 0;
  const Schedule& at = machine_.schedule();
  while (has_input_to_come()) {
    const InputEvent& event = storage_.events[next_event_];
    if (event.moment > at.steps || (event.moment == at.steps && event.nanoseconds > at.nanoseconds)) break;
    ++next_event_;
  }
}

/// From the head to the snapshot of the last epoch.
template <Observer O>
void Timeline<O>::go_to_past() {
  machine_.save(head_);
  exchange(epochs_[last_]);
  machine_.restore(snapshots_[last_]);
  epoch_ = last_;
  in_past_ = true;
}

/// In the past: to the begin of an epoch.
template <Observer O>
void Timeline<O>::enter(u32 epoch) {
  exchange(excursion_);
  release(excursion_);
  while (epoch_ > epoch) exchange(epochs_[--epoch_]);
  while (epoch_ < epoch) exchange(epochs_[epoch_++]);
  machine_.restore(snapshots_[epoch]);
  machine_.begin_epoch();
  find_next_event();
}

/// In the past, anywhere: to where it has not been further.
template <Observer O>
void Timeline<O>::return_to_head() {
  enter(last_);
  exchange(epochs_[last_]);
  machine_.restore(head_);
  in_past_ = false;
  machine_.begin_epoch();
  for (u32 i = epochs_[last_].first; i != nothing; i = next_of(i)) machine_.note_kept(page_of(i));
  next_event_ = event_count_;
}

template <Observer O>
StopReason Timeline<O>::run(u64 steps, WhenIdle when_idle) {
  if (!in_past_ && is_lost_) take();
  const u64 end = in_past_ ? std::min(now() + steps, head()) : now() + steps;
  while (true) {
    while (give_due_input()) {
    }
    if (in_past_ && now() == end_of(epoch_)) {
      epoch_ < last_ ? enter(epoch_ + 1) : return_to_head();
    }
    if (now() >= end) return StopReason::steps_done;
    u64 limit = in_past_ ? std::min(end, end_of(epoch_)) : end;
    if (has_input_to_come()) limit = std::min(limit, storage_.events[next_event_].moment);
    if (limit == now()) continue;
    const bool is_known = in_past_ || has_input_to_come();
    const StopReason reason = machine_.run(limit - now(), is_known ? WhenIdle::stop : when_idle);
    if (reason == StopReason::steps_done) continue;
    if (reason != StopReason::idle || !is_known) return reason;
    // The first time, time passed by itself here until an event; an input of this moment comes first.
    if (has_input_to_come() && storage_.events[next_event_].moment == now()) continue;
    const auto next = machine_.next_event();
    if (!next) return reason;
    machine_.advance_to(*next);
  }
}

template <Observer O>
bool Timeline<O>::go_to(u64 moment) {
  moment = std::clamp(moment, earliest(), head());
  if (moment == head()) {
    if (in_past_) return_to_head();
    return true;
  }
  if (!in_past_) {
    // An excursion may need as much room as its epoch.
    const auto longest = [this] {
      u32 most = 0;
      for (u32 i = 0; i <= last_; ++i) most = std::max(most, epochs_[i].count);
      return most;
    };
    while (free_count_ < longest() && make_room()) {
    }
    moment = std::max(moment, earliest());
    go_to_past();
  }
  u32 epoch = last_;
  while (epoch > 0 && begin_of(epoch) > moment) --epoch;
  if (epoch != epoch_ || now() > moment || excursion_.count == 0) enter(epoch);
  while (now() < moment) {
    if (run(moment - now(), WhenIdle::jump) != StopReason::steps_done) return false;
  }
  return true;
}

template <Observer O>
bool Timeline<O>::has(const List& list, u64 page) const {
  for (u32 index = list.first; index != nothing; index = storage_.links[2 * index]) {
    if (storage_.links[2 * index + 1] == page) return true;
  }
  return false;
}

template <Observer O>
std::optional<typename Timeline<O>::Span> Timeline<O>::last_stores_to(u64 page, u64 before) const {
  for (u32 epoch = last_ + 1; epoch-- > 0;) {
    if (begin_of(epoch) < before && has(epochs_[epoch], page)) return Span{begin_of(epoch), end_of(epoch)};
  }
  return std::nullopt;
}

template <Observer O>
void Timeline<O>::cut() {
  if (!in_past_) return;
  for (u32 i = epoch_; i <= last_; ++i) release(epochs_[i]);
  last_ = epoch_;
  epochs_[last_] = excursion_;
  excursion_ = {};
  in_past_ = false;
  event_count_ = next_event_;
  typed_count_ =
      event_count_ == 0 ? 0 : storage_.events[event_count_ - 1].offset + storage_.events[event_count_ - 1].count;
}

}  // namespace vellum
