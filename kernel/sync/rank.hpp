// SPDX-License-Identifier: MIT
#pragma once

#include "lib/types.hpp"

namespace locks {

/// The order in which locks may be taken: a hart that holds a spin lock may take only one of a higher rank
/// (checked in debug builds). The reasons stand beside the ranks; equal ranks are never held together.
enum class Rank : u32 {
  unchecked = 0,   ///< takes no part in the check (host tests, locks of a single test)
  process_tree,    ///< slots, pids, parents, children, exit and wait: held while a child's state is looked at
  file,            ///< file table, pipe, in-memory inode table, names
  inode_table,
  pipe,            ///< a pipe's ring; wakes under it
  log,             ///< the log's bookkeeping
  block_cache,     ///< one hash bucket of the block cache
  device,          ///< a driver's rings and lines (disk, console): completes and wakes under it
  console,
  card_receive,    ///< a network card's receive ring: held while what has arrived goes up through the stack
  arp,             ///< who has which Ethernet address, and what waits to know it
  endpoint,        ///< ports, flows and their queues: wakes under it
  card_transmit,   ///< a network card's transmit ring: answers are sent under card_receive; wakes under it
  wake_keeper,     ///< the network's thread is woken under all of them
  packets,         ///< packets kept ready, taken under the two above
  mapping,         ///< mapped pages of an inode, compound conversion
  memory,          ///< user-space bookkeeping in mm
  frames,          ///< the buddy lists
  frame_cache,     ///< one hart's frame cache (refills from, and is robbed by, others)
  guard,           ///< the short guards inside sleeping locks and sleep queues
  wait_queue,      ///< the hashed locks of wait queues: a wake may happen under any of the above
  run_queue,       ///< a hart's run queue: the last step of a wake
  output,          ///< the UART's transmitter: print works under every lock
};

}  // namespace locks
