// SPDX-License-Identifier: MIT
#pragma once
// Guests of Vellum: a recorded run, seen again up to one moment in this very program, or a machine that runs now and
// stands still while it is looked at.

#include "tools/foliowalk/commands.hpp"
#include "tools/vellum/past.hpp"

namespace foliowalk {

/// Which one, and at what moment.
struct VellumWish {
  std::string path;   // a file that `vellum --record` wrote, or the socket of `vellum --explore`
  std::string image;  // instead of the one that the recording names, with Session::kernel
  std::string at;     // "1234567" instructions, or "1:1234567" after a restart of the guest
  std::string until;  // and on from there to an occasion, as vellum's --until has it
};

struct VellumGuest {
  Source source;
  /// The run, for looking back; not of a machine that runs now, unless a moment was asked for.
  std::optional<vellum_tool::Recording> recording;
  vellum_tool::Settings settings;
  std::optional<vellum_tool::Position> moment;
};

/// Whether the command needs the run itself, and not only what stands in memory now.
enum class Needs { memory, past };

[[nodiscard]] Outcome<VellumGuest> open_vellum(Session& session, const VellumWish& wish, Needs needs);

// As in commands.hpp. `place` is an address of the table that hart 0 uses, or a space and an address.

/// Who wrote the entries on the way to an address: each with the last stores to it.
[[nodiscard]] Outcome<int> command_blame(VellumGuest& guest, Output output, const std::vector<std::string>& place);
/// When the address was mapped, unmapped, moved or given other rights.
[[nodiscard]] Outcome<int> command_when(VellumGuest& guest, Output output, const std::vector<std::string>& place);
/// The moment before the change of this number, counted back from the last, as --at takes it.
[[nodiscard]] Outcome<int> command_back(VellumGuest& guest, Output output, const std::vector<std::string>& place,
                                        unsigned number);

}  // namespace foliowalk
