// SPDX-License-Identifier: MIT
// QEMU's command line, as the Makefiles of xv6 of all years and this project's own tools write it.

#include <array>
#include <functional>
#include <map>

#include "tools/vellum/options.hpp"

namespace vellum_tool {

namespace {

using Text = std::string_view;
using Parsed = std::expected<void, Complaint>;

std::unexpected<Complaint> complain(std::string text, std::string hint = {}) {
  return std::unexpected(Complaint{std::move(text), std::move(hint)});
}

/// QEMU's lists `first,key=value,...`; a doubled comma stands for one.
struct List {
  std::string first;
  std::map<std::string, std::string> values;

  explicit List(Text text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ',') {
        parts.back() += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == ',') {
        parts.back() += text[i++];
      } else {
        parts.emplace_back();
      }
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto equals = parts[i].find('=');
      if (equals != std::string::npos) {
        values[parts[i].substr(0, equals)] = parts[i].substr(equals + 1);
      } else if (i == 0) {
        first = parts[i];
      }
    }
  }
  [[nodiscard]] std::string value(const std::string& key) const {
    const auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }
};

Parsed set_machine(Text text, Settings& /*settings*/) {
  const List list(text);
  const std::string kind = list.first.empty() ? list.value("type") : list.first;
  if (kind != "virt") return complain("-machine " + std::string(text) + ": this machine is `virt` and no other");
  return {};
}

Parsed set_drive(Text text, Settings& settings) {
  const List list(text);
  const std::string format = list.value("format");
  if (!format.empty() && format != "raw") {
    return complain("-drive " + std::string(text) + ": only raw images are read", "qemu-img convert -O raw makes one");
  }
  if (settings.image)
    return complain("-drive " + std::string(text) + ": there is one disk, and it has an image already");
  settings.image = list.value("file");
  settings.snapshot = settings.snapshot || list.value("snapshot") == "on" || list.value("readonly") == "on";
  return {};
}

Parsed set_device(Text text, Settings& settings) {
  const List list(text);
  if (list.first == "virtio-blk-device") return {};
  if (list.first.starts_with("e1000") || list.first.starts_with("virtio-net")) {
    settings.notes.push_back("no network card (" + list.first + "): this machine has none, the kernel finds none");
    return {};
  }
  return complain("-device " + std::string(text) + ": this machine has no such device",
                  "it has one virtio-blk-device, the serial line, and what QEMU's virt always has");
}

Parsed set_global(Text text, Settings& settings) {
  if (text == "virtio-mmio.force-legacy=false") {
    settings.legacy_virtio = false;
    return {};
  }
  if (text == "virtio-mmio.force-legacy=true") return {};
  return complain("-global " + std::string(text) + ": only virtio-mmio.force-legacy is known here");
}

Parsed set_gdb(Text text, Settings& settings) {
  const auto colon = text.rfind(':');
  if (!text.starts_with("tcp:") || colon == Text::npos) {
    return complain("-gdb " + std::string(text) + ": only tcp::PORT is known here");
  }
  const Text port = text.substr(colon + 1, text.find(',', colon) - colon - 1);
  const auto number = parse_port(port);
  if (!number) return std::unexpected(number.error());
  settings.gdb_port = *number;
  return {};
}

/// `-smp 3` or `-smp cpus=3,...`.
Parsed set_harts(Text text, Settings& settings) {
  const List list(text);
  const auto harts = parse_harts(list.first.empty() ? list.value("cpus") : list.first);
  if (!harts) return std::unexpected(harts.error());
  settings.harts = *harts;
  return {};
}

Parsed set_memory(Text text, Settings& settings) {
  const List list(text);
  const auto memory = parse_memory(list.first.empty() ? list.value("size") : list.first);
  if (!memory) return std::unexpected(memory.error());
  settings.memory = *memory;
  return {};
}

Parsed set_firmware(Text text, Settings& /*settings*/) {
  if (text == "none") return {};
  return complain("-bios " + std::string(text) + ": this machine starts kernels in machine mode, without firmware",
                  "-bios none");
}

Parsed set_cpu(Text text, Settings& settings) {
  if (text.substr(0, text.find(',')) != "rv64")
    return complain("-cpu " + std::string(text) + ": only rv64 is known here");
  if (text != "rv64") settings.notes.push_back("-cpu " + std::string(text) + ": its properties are not looked at");
  return {};
}

Parsed accept(Text /*text*/, Settings& /*settings*/) { return {}; }

using Setter = Parsed (*)(Text, Settings&);
const std::map<Text, Setter>& valued_options() {
  static const std::map<Text, Setter> options{
      {"-machine", set_machine},
      {"-M", set_machine},
      {"-bios", set_firmware},
      {"-kernel",
       [](Text text, Settings& settings) -> Parsed {
         settings.kernel = text;
         return {};
       }},
      {"-append",
       [](Text text, Settings& settings) -> Parsed {
         settings.append = text;
         return {};
       }},
      {"-m", set_memory},
      {"-smp", set_harts},
      {"-cpu", set_cpu},
      {"-drive", set_drive},
      {"-device", set_device},
      {"-global", set_global},
      {"-gdb", set_gdb},
      {"-p",
       [](Text text, Settings& settings) -> Parsed {
         const auto port = parse_port(text);
         if (!port) return std::unexpected(port.error());
         settings.gdb_port = *port;
         return {};
       }},
      {"-icount", accept},  // it counts instructions in any case
      {"-display", accept},
      {"-serial", accept},
      {"-monitor", accept},
      {"-rtc", accept},
      {"-netdev", accept},
      {"-object", accept},
  };
  return options;
}

}  // namespace

std::expected<unsigned, Complaint> parse_qemu_option(Text option, std::optional<Text> value, Settings& settings) {
  // What QEMU does when nothing else is said.
  if (settings.kernel.empty() && !settings.image && !settings.speaks_qemu) {
    settings.speaks_qemu = true;
    settings.legacy_virtio = true;
    settings.harts = 1;
  }
  if (option == "-nographic" || option == "-no-reboot" || option == "-nodefaults") return 1U;
  if (option == "-h" || option == "-help") {
    settings.tell = Settings::Tell::qemu_help;
    return 1U;
  }
  if (option == "-version") {
    settings.tell = Settings::Tell::version;
    return 1U;
  }
  if (option == "-S") {
    settings.wait_for_gdb = true;
    return 1U;
  }
  if (option == "-s") {
    if (!settings.gdb_port) settings.gdb_port = 1234;
    return 1U;
  }
  if (option == "-snapshot") {
    settings.snapshot = true;
    return 1U;
  }
  const auto known = valued_options().find(option);
  if (known == valued_options().end()) {
    return complain("QEMU's option " + std::string(option) + " is not known here", "vellum --help tells what is");
  }
  if (!value) return complain(std::string(option) + " wants a value");
  const Parsed parsed = known->second(*value, settings);
  if (!parsed) return std::unexpected(parsed.error());
  return 2U;
}

}  // namespace vellum_tool
