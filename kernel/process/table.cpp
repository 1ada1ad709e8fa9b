// SPDX-License-Identifier: MIT
#include "process/table.hpp"

#include <span>
#include <utility>

#include "abi/types.hpp"
#include "dev/console.hpp"
#include "lib/bug.hpp"
#include "lib/immortal.hpp"
#include "mm/fail_nth.hpp"

namespace process {

namespace {

constinit lib::Immortal<Table> the_table;

}  // namespace

Table& table() { return the_table.get(); }

lib::Result<Process*> Table::reserve() {
  if (mm::allocation_must_fail()) return lib::fail(lib::Error::limit_reached);
  locks::Guard guard(lock_);
  Process* process = first_free_;
  if (process != nullptr) {
    first_free_ = process->next_;
  } else if (untouched_ < slots_.size()) {
    process = &slots_[untouched_++];
  } else {
    return lib::fail(lib::Error::limit_reached);
  }
  ++used_;
  process->pid = static_cast<i32>(take_pid());
  process->life_ = Life::embryo;
  return process;
}

Pid Table::take_pid() {
  return pids_.take([this](Pid pid) SYNC_NO_ANALYSIS { return find(pid) != nullptr; });
}

void Table::give_back(Process& process) {
  locks::Guard guard(lock_);
  process.life_ = Life::unused;
  process.pid = 0;
  process.work_.store(0, std::memory_order_relaxed);
  process.next_ = first_free_;
  first_free_ = &process;
  --used_;
}

void Table::adopt(Process& child, Process* parent) {
  locks::Guard guard(lock_);
  child.life_ = Life::alive;
  child.parent_ = parent;
  child.adopted_ = false;
  child.ended_at_console_ = parent != nullptr && parent->ended_at_console_;
  if (child.ended_at_console_) mark_killed(child);
  if (parent != nullptr) {
    parent->children_.push_back(child);
  } else {
    init_ = &child;
  }
  Process*& bucket = buckets_[bucket_of(child.id())];
  child.next_ = bucket;
  bucket = &child;
}

Process* Table::find(Pid pid) const {
  for (Process* process = buckets_[bucket_of(pid)]; process != nullptr; process = process->next_) {
    if (process->id() == pid) return process;
  }
  return nullptr;
}

void Table::inherit_by_init(Process& child) {
  child.parent_ = init_;
  child.adopted_ = true;
}

void Table::retire(Process& process, i32 status) {
  locks::Guard guard(lock_);
  lib::require(&process != init_, "init retires: sys_exit and the trap handler power off instead");
  const bool gives_zombies = !process.zombies_.empty();
  while (Process* child = process.children_.pop_front()) {
    inherit_by_init(*child);
    init_->children_.push_back(*child);
  }
  while (Process* child = process.zombies_.pop_front()) {
    inherit_by_init(*child);
    init_->zombies_.push_back(*child);
  }
  if (gives_zombies) init_->child_exited_.wake_one();

  if (leader_ == &process) {
    leader_ = nullptr;
    dev::console::end_raw_mode_of(process.pid);
  }
  process.exit_status_ = process.ended_at_console_ ? abi::interrupted_status : status;
  process.life_ = Life::zombie;
  Process& parent = *process.parent_;
  parent.children_.erase(process);
  parent.zombies_.push_back(process);
  parent.child_exited_.wake_one();
}

lib::Result<Table::Departed> Table::wait_for_zombie(Process& parent) {
  locks::Guard guard(lock_);
  for (;;) {
    if (Process* child = parent.zombies_.front()) return Departed{child, child->exit_status_};
    if (parent.children_.empty()) return lib::fail(lib::Error::not_found);
    if (parent.is_killed()) return lib::fail(lib::Error::interrupted);
    if (parent.child_exited_.wait(lock_, sched::Interruptible::yes) == sched::Woken::killed) {
      return lib::fail(lib::Error::interrupted);
    }
  }
}

void Table::take_zombie(Process& parent, Process& child) {
  locks::Guard guard(lock_);
  remove_zombie(parent, child);
}

Process* Table::take_orphaned_zombie() {
  locks::Guard guard(lock_);
  auto& zombies = init_->zombies_;
  // The first one stays: init may have found it already and be about to take it.
  for (Process* zombie = zombies.back(); zombie != zombies.front(); zombie = zombies.previous(*zombie)) {
    if (!zombie->adopted_) continue;
    remove_zombie(*init_, *zombie);
    return zombie;
  }
  return nullptr;
}

void Table::remove_zombie(Process& parent, Process& child) {
  parent.zombies_.erase(child);
  child.life_ = Life::reaped;
  Process** link = &buckets_[bucket_of(child.id())];
  while (*link != &child) link = &(*link)->next_;
  *link = child.next_;
}

mm::AddressSpace* Table::exchange_memory(Process& process, mm::AddressSpace& memory) {
  locks::Guard guard(lock_);
  return std::exchange(process.memory, &memory);
}

lib::Result<void> Table::kill(Pid pid) {
  locks::Guard guard(lock_);
  Process* process = find(pid);
  if (process == nullptr) return lib::fail(lib::Error::not_found);
  if (process == init_) return lib::fail(lib::Error::not_permitted);
  mark_killed(*process);
  return {};
}

void Table::mark_killed(Process& process) {
  process.work_.fetch_or(Process::killed_bit, std::memory_order_relaxed);
  if (process.life_ == Life::alive) sched::interrupt(process);
}

bool Table::is_background(const Process& process) const {
  if (&process == init_) return false;
  const Process* top = &process;
  while (top->parent_ != init_) top = top->parent_;
  return top->adopted_;
}

bool Table::is_foreground(const Process& process, const Process* leader) const {
  if (leader == nullptr) return &process != init_ && process.parent_ != init_ && !is_background(process);
  const Process* above = process.parent_;
  while (above != leader && above != nullptr) above = above->parent_;
  return above == leader;
}

lib::Result<void> Table::lead_console(Process& process) {
  locks::Guard guard(lock_);
  if (is_background(process)) return lib::fail(lib::Error::not_permitted);
  leader_ = &process;
  return {};
}

const Process* Table::waiting_leader() const {
  return leader_ != nullptr && !leader_->child_exited_.empty() ? leader_ : nullptr;
}

bool Table::has_foreground() {
  locks::Guard guard(lock_);
  for (const Process& process : std::span(slots_).first(untouched_)) {
    if (process.life_ == Life::alive && is_foreground(process, waiting_leader())) return true;
  }
  return false;
}

void Table::end_foreground() {
  locks::Guard guard(lock_);
  const Process* leader = waiting_leader();
  for (Process& process : std::span(slots_).first(untouched_)) {
    if (process.life_ != Life::alive || !is_foreground(process, leader)) continue;
    process.ended_at_console_ = true;
    mark_killed(process);
  }
}

u32 Table::count() {
  locks::Guard guard(lock_);
  return used_;
}

usize Table::slot_of(const Process& process) const { return static_cast<usize>(&process - slots_.data()); }

}  // namespace process
