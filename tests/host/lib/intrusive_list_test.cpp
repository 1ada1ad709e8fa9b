// SPDX-License-Identifier: MIT
// Strategy: a random walk over all list operations beside a std::deque that says what must be in the list;
// after each step both directions and the `linked` flags are compared. Edge cases (empty, one element, erase of
// first and last) fall out of the small list.
#include "lib/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace {

struct Item {
  int number = 0;
  lib::ListLink<Item> link;
};
using List = lib::IntrusiveList<Item, &Item::link>;

TEST(IntrusiveList, AgreesWithADeque) {
  std::mt19937 random(12345);
  Item items[6];
  for (int i = 0; i < 6; ++i) items[i].number = i;
  List list;
  std::deque<Item*> model;
  for (int step = 0; step < 20000; ++step) {
    Item& item = items[random() % 6];
    const auto at = std::find(model.begin(), model.end(), &item);
    switch (random() % 4) {
      case 0:
        if (at == model.end()) list.push_front(item), model.push_front(&item);
        break;
      case 1:
        if (at == model.end()) list.push_back(item), model.push_back(&item);
        break;
      case 2:
        if (at != model.end()) {
          list.erase(item), model.erase(at);
        } else if (!model.empty()) {
          const std::size_t position = random() % model.size();
          list.insert_before(item, model[position]);
          model.insert(model.begin() + static_cast<std::ptrdiff_t>(position), &item);
        }
        break;
      default:
        if (Item* first = list.pop_front(); model.empty()) {
          EXPECT_EQ(first, nullptr);
        } else {
          EXPECT_EQ(first, model.front());
          model.pop_front();
        }
    }
    ASSERT_EQ(list.empty(), model.empty());
    ASSERT_EQ(list.front(), model.empty() ? nullptr : model.front());
    ASSERT_EQ(list.back(), model.empty() ? nullptr : model.back());
    auto expected = model.begin();
    for (Item& seen : list) ASSERT_EQ(&seen, *expected++);
    ASSERT_EQ(expected, model.end());
    auto backwards = model.rbegin();
    for (Item* seen = list.back(); seen != nullptr; seen = List::previous(*seen)) ASSERT_EQ(seen, *backwards++);
    for (Item& each : items) {
      ASSERT_EQ(List::linked(each), std::find(model.begin(), model.end(), &each) != model.end());
    }
  }
}

constexpr bool works_in_constant_expressions() {
  Item a, b;
  List list;
  list.push_back(a);
  list.push_front(b);
  return list.pop_front() == &b && list.pop_front() == &a && list.pop_front() == nullptr && list.empty();
}
static_assert(works_in_constant_expressions());

}  // namespace
