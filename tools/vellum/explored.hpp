// SPDX-License-Identifier: MIT
#pragma once
// A running machine that foliowalk may look at, through a Unix socket.
//
// A visitor sends lines; each is answered by a line with a number and so many bytes. From the first line on the
// machine stands still, between two instructions, until the visitor says `go`, leaves, or is silent for some seconds.
//   harts             a line `SATP PC` in hexadecimal for each hart
//   memory            bytes of RAM, in decimal
//   read ADDRESS N    N bytes of RAM; none if some of them are not RAM
//   recording         what --record would write if the run ended now
//   go                nothing

#include <expected>
#include <map>
#include <memory>
#include <utility>

#include "tools/vellum/recording.hpp"

namespace vellum_tool {

/// A file descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

class Explored final : public VmAround {
 public:
  /// Listens at `path`, where nothing may be but a socket that was left behind.
  static std::expected<std::unique_ptr<Explored>, Complaint> listen(Recorder& machine, const Parts& parts,
                                                                    const std::string& path);
  ~Explored() override;

  [[nodiscard]] int visitors() const override { return all_.get(); }
  void receive_visitors() override;

 private:
  struct Visitor {
    Descriptor descriptor;
    std::string received;
  };

  Explored(Recorder& machine, const Parts& parts, std::string path)
      : VmAround(static_cast<Vm&>(machine)), recorder_(machine), parts_(parts), path_(std::move(path)) {}
  [[nodiscard]] bool expect(int descriptor) const;
  void let_in();
  [[nodiscard]] bool receive(Visitor& visitor) const;
  [[nodiscard]] std::string answer_to(const std::string& request) const;

  Recorder& recorder_;
  const Parts& parts_;
  std::string path_;
  Descriptor listener_;
  Descriptor all_;  // becomes readable when one of them does
  std::map<int, Visitor> visitors_;
};

/// A connection to a Unix socket of this path; what is wrong is said in words.
[[nodiscard]] std::expected<Descriptor, Complaint> connect_to(const std::string& path);

}  // namespace vellum_tool
