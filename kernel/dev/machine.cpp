#include "dev/machine.hpp"

namespace dev {

namespace {

MachineDescription description;

}  // namespace

const MachineDescription& machine() { return description; }
MachineDescription& machine_to_fill() { return description; }

std::string_view boot_argument(std::string_view key) {
  std::string_view rest = description.boot_arguments();
  while (!rest.empty()) {
    const usize end = rest.find(' ');
    const std::string_view word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (word == key) return "1";
    if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=')
      return word.substr(key.size() + 1);
  }
  return {};
}

}  // namespace dev
