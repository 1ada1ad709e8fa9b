// SPDX-License-Identifier: MIT
#include "fs/inode_table.hpp"

#include "fs/volume.hpp"

namespace fs {

InodeTable::InodeTable(Volume& volume) : lock_("itable", locks::Rank::inode_table) {
  for (Inode& inode : slots_) {
    inode.volume_ = &volume;
    idle_.push_back(inode);
  }
}

lib::Result<InodeRef> InodeTable::get(u32 number) {
  if (number == 0 || !slots_[0].volume_->geometry().is_inode(number)) return lib::fail(lib::Error::corrupt);
  const locks::Guard guard(lock_);
  Inode*& bucket = buckets_[number % bucket_count];
  for (Inode* inode = bucket; inode != nullptr; inode = inode->next_) {
    if (inode->number_ != number) continue;
    if (inode->references_++ == 0) idle_.erase(*inode);
    return InodeRef(*inode);
  }
  Inode* inode = idle_.pop_front();
  if (inode == nullptr) return lib::fail(lib::Error::limit_reached);
  if (inode->number_ != 0) unchain(*inode);
  inode->number_ = number;
  inode->references_ = 1;
  inode->loaded_ = false;
  inode->next_ = bucket;
  bucket = inode;
  return InodeRef(*inode);
}

void InodeTable::unchain(Inode& inode) {
  Inode** link = &buckets_[inode.number_ % bucket_count];
  while (*link != &inode) link = &(*link)->next_;
  *link = inode.next_;
}

void InodeTable::acquire(Inode& inode) {
  const locks::Guard guard(lock_);
  ++inode.references_;
}

void InodeTable::release(Inode& inode) {
  while (!try_release(inode)) reclaim(inode);
}

// Drops a reference, but not the last one to an unlinked inode (false). With one reference left nobody else can lock
// the inode, so its link count stands still. Reclaiming keeps that reference; meanwhile another thread may find the
// number free on disk, use it for a new file and even unlink that again: hence the loop above.
bool InodeTable::try_release(Inode& inode) {
  const locks::Guard guard(lock_);
  if (inode.references_ == 1 && inode.loaded_ && inode.link_count() == 0 && !cannot_reclaim(inode)) return false;
  if (--inode.references_ == 0) idle_.push_back(inode);
  return true;
}

bool InodeTable::cannot_reclaim(const Inode& inode) {
  return inode.volume_->is_read_only() || !inode.volume_->is_mounted();
}

// Frees an unlinked inode and its blocks (xv6: the rest of iput). An error leaves it to the next mount: abandoning
// the transaction makes the volume read-only.
void InodeTable::reclaim(Inode& inode) {
  Volume& volume = *inode.volume_;
  for (bool finished = false; !finished;) {
    Transaction transaction(volume.log(), inode.truncation_reserve());
    if (!transaction.begun()) return;
    {
      const sched::MutexGuard guard(inode.mutex_);
      const auto all_freed = inode.free_blocks(transaction);
      if (!all_freed) return volume.log().fail("an operation failed half-way");
      finished = *all_freed;
      if (finished) {
        inode.type_ = abi::FileType::free;
        if (!inode.update(transaction)) return volume.log().fail("an operation failed half-way");
        inode.loaded_ = false;
        volume.note_free_inode(inode.number_);
      }
    }
    if (!transaction.commit()) return;
  }
}

u32 InodeTable::referenced_count() {
  const locks::Guard guard(lock_);
  u32 count = 0;
  for (const Inode& inode : slots_) count += inode.references_ != 0;
  return count;
}

bool InodeTable::clear() {
  const locks::Guard guard(lock_);
  for (Inode& inode : slots_) {
    if (inode.references_ != 0) return false;
  }
  for (Inode& inode : slots_) {
    inode.number_ = 0;
    inode.loaded_ = false;
  }
  buckets_.fill(nullptr);
  return true;
}

InodeRef InodeRef::clone() const {
  if (inode_ == nullptr) return {};
  inode_->volume().inodes().acquire(*inode_);
  return InodeRef(*inode_);
}

void InodeRef::drop() {
  inode_->volume().inodes().release(*inode_);
  inode_ = nullptr;
}

}  // namespace fs
