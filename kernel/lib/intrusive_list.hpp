// SPDX-License-Identifier: MIT
#pragma once
// A doubly linked list whose links live in its elements: no allocation, O(1) insert and erase.

#include <iterator>

#include "lib/types.hpp"

namespace lib {

/// The member that an element gives to a list: `ListLink<Thread> run_link;`.
template <class T>
struct ListLink {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;  ///< in some list through this link
};

/// A list of T through the given link member. The elements are not owned. Not copyable: neighbours point into it.
template <class T, ListLink<T> T::* Link>
class IntrusiveList {
 public:
  constexpr IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  [[nodiscard]] constexpr bool empty() const { return first_ == nullptr; }
  [[nodiscard]] constexpr T* front() const { return first_; }
  [[nodiscard]] constexpr T* back() const { return last_; }
  /// The element after this one, or null.
  [[nodiscard]] static constexpr T* next(const T& element) { return (element.*Link).next; }
  [[nodiscard]] static constexpr T* previous(const T& element) { return (element.*Link).previous; }
  [[nodiscard]] static constexpr bool linked(const T& element) { return (element.*Link).linked; }

  constexpr void push_front(T& element) { insert_before(element, first_); }
  constexpr void push_back(T& element) { insert_before(element, nullptr); }

  /// Inserts before `position`, at the end if that is null.
  constexpr void insert_before(T& element, T* position) {
    ListLink<T>& link = element.*Link;
    T* before = position != nullptr ? (position->*Link).previous : last_;
    link = {before, position, true};
    (before != nullptr ? (before->*Link).next : first_) = &element;
    (position != nullptr ? (position->*Link).previous : last_) = &element;
  }

  /// Takes an element of this list out of it.
  constexpr void erase(T& element) {
    ListLink<T>& link = element.*Link;
    (link.previous != nullptr ? (link.previous->*Link).next : first_) = link.next;
    (link.next != nullptr ? (link.next->*Link).previous : last_) = link.previous;
    link = {};
  }

  /// Takes the first element out; null if there is none.
  constexpr T* pop_front() {
    T* element = first_;
    if (element != nullptr) erase(*element);
    return element;
  }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;
    constexpr explicit Iterator(T* at = nullptr) : at_(at) {}
    constexpr T& operator*() const { return *at_; }
    constexpr T* operator->() const { return at_; }
    constexpr Iterator& operator++() {
      at_ = (at_->*Link).next;
      return *this;
    }
    constexpr Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    T* at_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(nullptr); }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace lib
