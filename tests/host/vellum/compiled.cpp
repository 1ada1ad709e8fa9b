#include "vellum/compiled.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vellum::debug::test {

namespace fs = std::filesystem;

std::span<std::byte> Memory::more(void* owner, usize bytes) {
  auto& memory = *static_cast<Memory*>(owner);
  const usize size = std::max<usize>(bytes, usize{256} << 10);
  if (size > memory.left_) return {};
  memory.left_ -= size;
  return memory.pieces_.emplace_back(size);
}

const std::vector<Build>& builds() {
  static const std::vector<Build> all = [] {
    std::vector<Build> list;
    const std::string common =
        " -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -nostdlib -fno-pic -ggdb -Wl,--build-id=none -w";
    const std::string gcc = "riscv64-linux-gnu-gcc-12 -static -no-pie" + common;
    const std::string clang = "clang-19 --target=riscv64-linux-gnu -static -fuse-ld=lld-19" + common;
    const auto add = [&](const std::string& name, const std::string& source, const std::string& command) {
      list.push_back({name, source, command, true});
    };
    for (const int version : {2, 3, 4, 5}) {
      for (const std::string level : {"0", "2"}) {
        const std::string options = " -gdwarf-" + std::to_string(version) + " -O" + level + " -fno-omit-frame-pointer";
        const std::string tail = "_dwarf" + std::to_string(version) + "_O" + level;
        add("gcc_c" + tail, "c", gcc + options);
        add("clang_c" + tail, "c", clang + options);
        add("gcc_cxx" + tail, "c++", gcc + options + " -std=c++20 -fno-exceptions -fno-rtti");
        add("clang_cxx" + tail, "c++", clang + options + " -std=c++20 -fno-exceptions -fno-rtti");
      }
    }
    const std::string cxx = " -std=c++20 -fno-exceptions -fno-rtti";
    add("gcc_c_dwarf64", "c", gcc + " -gdwarf-5 -gdwarf64 -O2");
    add("clang_c_dwarf64", "c", clang + " -gdwarf-5 -gdwarf64 -O2");
    add("gcc_c_strict2", "c", gcc + " -gdwarf-2 -gstrict-dwarf -O2");
    add("gcc_c_strict5", "c", gcc + " -gdwarf-5 -gstrict-dwarf -O2");
    add("gcc_c_dwarf5_views", "c", gcc + " -gdwarf-5 -gvariable-location-views=incompat5 -O2");
    list.back().oracle_can_read = false;
    add("gcc_c_lto", "c", gcc + " -gdwarf-5 -O2 -flto");
    add("gcc_c_lto4", "c", gcc + " -gdwarf-4 -O2 -flto");
    add("gcc_c_sections", "c", gcc + " -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections");
    add("gcc_cxx_types4", "c++", gcc + " -gdwarf-4 -O1 -fdebug-types-section" + cxx);
    add("gcc_cxx_types5", "c++", gcc + " -gdwarf-5 -O1 -fdebug-types-section" + cxx);
    add("clang_c_sections", "c", clang + " -gdwarf-5 -O2 -ffunction-sections -Wl,--gc-sections");
    add("clang_c_lto", "c", clang + " -gdwarf-5 -O2 -flto");
    add("clang_cxx_lto", "c++", clang + " -gdwarf-5 -O2 -flto" + cxx);
    add("clang_cxx_types4", "c++", clang + " -gdwarf-4 -O1 -fdebug-types-section" + cxx);
    add("clang_cxx_types5", "c++", clang + " -gdwarf-5 -O1 -fdebug-types-section" + cxx);
    add("gcc_c_merged", "c", gcc + " -gdwarf-2 -O2 -fsection-anchors -fdata-sections -fcommon");
    add("gcc_c_relaxed", "c", gcc + " -gdwarf-5 -O0 -Wl,--no-relax");
    return list;
  }();
  return all;
}

namespace {

/// The folder of this run; gone when the program ends.
struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "vellum-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) std::abort();
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

const fs::path& folder() {
  static const Folder made;
  return made.path;
}

}  // namespace

std::string path_of(const Build& build) { return (folder() / build.name).string(); }

std::optional<std::vector<std::byte>> file_at(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return std::vector<std::byte>(first, first + bytes.size());
}

std::optional<std::vector<std::byte>> compiled(const Build& build, std::string& complaint) {
  const std::string path = path_of(build);
  if (!fs::exists(path)) {
    const std::string corpus = VELLUM_CORPUS;
    const std::string sources = build.source == "c" ? "{}/shapes.c {}/other.c {}/entry.S" : "{}/classes.cpp";
    std::string command = build.command + " -T " + corpus + "/corpus.ld " + sources + " -o " + path;
    for (usize at; (at = command.find("{}")) != std::string::npos;) command.replace(at, 2, corpus);
    const std::string log = path + ".log";
    command += " >" + log + " 2>&1";
    if (std::system(command.c_str()) != 0) {
      std::ifstream in(log);
      complaint = build.name + ": " + command + "\n" + std::string((std::istreambuf_iterator<char>(in)), {});
      return std::nullopt;
    }
  }
  return file_at(path);
}

}  // namespace vellum::debug::test
