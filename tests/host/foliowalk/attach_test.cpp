// SPDX-License-Identifier: MIT
// The words of QEMU's command: taken from what make prints, and given what foliowalk needs.

#include "tools/foliowalk/attach.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace foliowalk {
namespace {

using Words = std::vector<std::string>;

TEST(Attach, the_last_command_that_starts_qemu) {
  EXPECT_EQ(qemu_command_in("gcc -c a.c\nqemu-system-riscv64 -machine virt \\\n  -m 128M\n"),
            (Words{"qemu-system-riscv64", "-machine", "virt", "-m", "128M"}));
  EXPECT_EQ(qemu_command_in("/opt/q/qemu-system-riscv64 -drive \"file=my fs.img\",if=none 'a b' c\\ d"),
            (Words{"/opt/q/qemu-system-riscv64", "-drive", "file=my fs.img,if=none", "a b", "c d"}));
  EXPECT_TRUE(qemu_command_in("echo qemu-system-riscv64\n").empty());
  EXPECT_TRUE(qemu_command_in("").empty());
  EXPECT_TRUE(qemu_command_in("\"unfinished").empty());
}

TEST(Attach, ram_is_shared_and_the_rest_stays) {
  const MeetingPlace place{"/dev/shm/x"};
  const Words with = with_windows({"q", "-machine", "virt", "-m", "1G", "-nographic"}, place);
  EXPECT_EQ(Words(with.begin(), with.begin() + 6),
            (Words{"q", "-machine", "virt,memory-backend=ram0", "-m", "1G", "-nographic"}));
  const auto has = [&](const std::string& word) { return std::ranges::find(with, word) != with.end(); };
  EXPECT_TRUE(has("memory-backend-file,id=ram0,size=1G,mem-path=/dev/shm/x/ram,share=on"));
  EXPECT_TRUE(has("unix:/dev/shm/x/qmp,server=on,wait=off"));
  EXPECT_TRUE(has("mon:stdio")) << "Ctrl-a x ends it as before";
}

TEST(Attach, a_command_without_a_size_gets_the_usual_one) {
  const Words with = with_windows({"q", "-M", "virt"}, MeetingPlace{"/t"});
  EXPECT_EQ(with[2], "virt,memory-backend=ram0");
  const auto size = std::ranges::find(with, "-m");
  ASSERT_NE(size, with.end());
  EXPECT_EQ(size[1], "128M");
}

}  // namespace
}  // namespace foliowalk
