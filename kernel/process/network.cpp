// SPDX-License-Identifier: MIT
#include "process/network.hpp"

#include <array>

#include "abi/layout.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/card_buffers.hpp"
#include "lib/format.hpp"
#include "lib/immortal.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace process {

namespace {

/// Frames kept ready for what arrives, besides those in the card's ring. Answers that wait in the ring of a card that
/// sends slowly (64 at most) leave half of them, and so the pool is not low and nothing is allocated.
constexpr u32 pool_frames = 128;
// Half of them are one go: so a pool that is not low has a packet for every frame that an interrupt takes up.
static_assert(pool_frames / 2 >= dev::receive_burst);

/// The network's thread. It is woken when there is work at once, and by the harts' housekeeping at the times that the
/// stack names.
class NetworkKeeper {
 public:
  constexpr NetworkKeeper() = default;
  void start();
  void wake();
  [[nodiscard]] u64 look();

 private:
  [[noreturn]] void run();

  locks::SpinLock lock_{"network keeper", locks::Rank::wake_keeper};
  bool is_due_ SYNC_GUARDED_BY(lock_) = false;
  sched::WaitQueue due_ SYNC_GUARDED_BY(lock_);
  sched::Thread thread_;
  alignas(16) std::array<std::byte, 2 * abi::page_size> stack_{};
};

constinit NetworkKeeper keeper;

void NetworkKeeper::start() {
  thread_.name = "network keeper";
  const u64 bottom = reinterpret_cast<u64>(stack_.data());
  sched::prepare(thread_, bottom, bottom + stack_.size(), [](void*) { keeper.run(); }, nullptr);
  sched::start(thread_);
  sched::add_housekeeping([] { return keeper.look(); });
}

void NetworkKeeper::wake() {
  const locks::Guard guard(lock_);
  is_due_ = true;
  due_.wake_one();
}

/// The next time at which there is work, in units of the time CSR; what is due already is begun.
u64 NetworkKeeper::look() {
  const u64 next = network().next_work();
  if (next == net::no_deadline) return net::no_deadline;
  if (next > network_clock()) return (next + 1) * (arch::timer_frequency() / 1000);
  wake();
  return net::no_deadline;
}

void NetworkKeeper::run() {
  for (;;) {
    {
      const locks::Guard guard(lock_);
      while (!is_due_) (void)due_.wait(lock_, sched::Interruptible::no);
      is_due_ = false;
    }
    while (network().work() == 0) sched::yield();  // under a flood the programs have their turn in between
  }
}

}  // namespace

net::Stack& network() {
  static lib::Immortal<net::Stack> the_stack(network_clock);
  return the_stack.get();
}

u64 network_clock() { return arch::read_time() / (arch::timer_frequency() / 1000); }

void start_network(dev::NetworkDevice* card) {
  network().set_waker([] { keeper.wake(); });
  keeper.start();
  if (card == nullptr) return;
  if (!dev::packet_pool().start(pool_frames)) lib::print("network: memory for packets is short\n");
  network().attach(*card);
}

}  // namespace process
