// SPDX-License-Identifier: MIT
#pragma once
// An in-memory file system that is too simple to be wrong, and random operations done to it and to a volume alike.

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "fs/kit.hpp"

namespace fs_test {

/// The oracle. Names are single letters, so that operations meet.
class Model {
 public:
  struct Node {
    abi::FileType type = abi::FileType::file;
    std::string content;
    std::map<std::string, std::shared_ptr<Node>> entries;
    int links = 1;
  };
  using NodePtr = std::shared_ptr<Node>;

  Model() { root_->type = abi::FileType::directory; }

  /// The node at a path of plain names, or null.
  [[nodiscard]] NodePtr find(const std::string& path) const {
    NodePtr at = root_;
    for (usize begin = 0; begin < path.size();) {
      const usize end = std::min(path.find('/', begin), path.size());
      if (at->type != abi::FileType::directory) return nullptr;
      const auto entry = at->entries.find(path.substr(begin, end - begin));
      if (entry == at->entries.end()) return nullptr;
      at = entry->second;
      begin = end + 1;
    }
    return at;
  }

  bool create(const std::string& path, abi::FileType type) {
    const auto [directory, name] = parent(path);
    if (!directory || directory->entries.contains(name)) return false;
    const auto node = std::make_shared<Node>();
    node->type = type;
    directory->entries[name] = node;
    if (type == abi::FileType::directory) ++directory->links;
    return true;
  }
  bool link(const std::string& from, const std::string& to) {
    const NodePtr node = find(from);
    const auto [directory, name] = parent(to);
    if (!node || node->type == abi::FileType::directory || !directory || directory->entries.contains(name))
      return false;
    directory->entries[name] = node;
    ++node->links;
    return true;
  }
  bool unlink(const std::string& path) {
    const auto [directory, name] = parent(path);
    if (!directory || !directory->entries.contains(name)) return false;
    const NodePtr node = directory->entries[name];
    if (!node->entries.empty()) return false;
    if (node->type == abi::FileType::directory) --directory->links;
    --node->links;
    directory->entries.erase(name);
    return true;
  }
  /// Writes as open(O_CREATE) and write do.
  bool write(const std::string& path, const std::string& text, u64 offset) {
    if (!find(path) && !create(path, abi::FileType::file)) return false;
    const NodePtr node = find(path);
    if (node->type != abi::FileType::file || offset > node->content.size()) return false;
    if (node->content.size() < offset + text.size()) node->content.resize(offset + text.size());
    node->content.replace(offset, text.size(), text);
    return true;
  }
  bool truncate(const std::string& path) {
    const NodePtr node = find(path);
    if (!node || node->type != abi::FileType::file) return false;
    node->content.clear();
    return true;
  }

  /// Everything that can be seen, one line per name.
  [[nodiscard]] std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> result;
    describe(*root_, "", result);
    return result;
  }

 private:
  [[nodiscard]] std::pair<NodePtr, std::string> parent(const std::string& path) const {
    const usize slash = path.rfind('/');
    const NodePtr directory = slash == path.npos ? root_ : find(path.substr(0, slash));
    if (!directory || directory->type != abi::FileType::directory) return {nullptr, ""};
    return {directory, slash == path.npos ? path : path.substr(slash + 1)};
  }
  static void describe(const Node& node, const std::string& path, std::map<std::string, std::string>& result) {
    result[path] = std::to_string(static_cast<int>(node.type)) + " " + std::to_string(node.links) + " " + node.content;
    for (const auto& [name, child] : node.entries) describe(*child, path + "/" + name, result);
  }

  NodePtr root_ = std::make_shared<Node>();
};

/// The same picture of a mounted volume.
inline void describe_volume(Mounted& volume, const std::string& path, std::map<std::string, std::string>& result) {
  const auto stat = volume.stat(path.empty() ? "/" : path);
  if (!stat) {
    result[path] = "<" + std::string(lib::describe(stat.error())) + ">";
    return;
  }
  std::string content;
  if (stat->type == abi::FileType::file) {
    const auto text = volume.read(path);
    content = text ? *text : "<" + std::string(lib::describe(text.error())) + ">";
  }
  result[path] = std::to_string(static_cast<int>(stat->type)) + " " + std::to_string(stat->link_count) + " " + content;
  if (stat->type != abi::FileType::directory) return;
  for (const std::string& name : volume.names(path.empty() ? "/" : path)) {
    if (name != "." && name != "..") describe_volume(volume, path + "/" + name, result);
  }
}
inline std::map<std::string, std::string> snapshot_of(Mounted& volume) {
  std::map<std::string, std::string> result;
  describe_volume(volume, "", result);
  return result;
}

/// One random operation.
struct Operation {
  enum class Kind { write, append, truncate, create, mkdir, link, unlink, device } kind;
  std::string path, other, text;
  u64 offset;

  static Operation random(std::mt19937& random, usize max_write) {
    const auto path = [&] {
      std::string text(1, static_cast<char>('a' + random() % 6));
      while (random() % 3 == 0 && text.size() < 6) text += std::string("/") + static_cast<char>('a' + random() % 6);
      return text;
    };
    Operation operation{static_cast<Kind>(random() % 8), path(), path(), "", 0};
    const usize length = random() % 4 == 0 ? random() % (max_write + 1) : random() % 1500;
    operation.text.assign(std::min(length, max_write), static_cast<char>('A' + random() % 26));
    for (usize i = 0; i < operation.text.size(); i += 97) operation.text[i] = static_cast<char>(random());
    operation.offset = random() % 3 == 0 ? 0 : random() % 6000;
    return operation;
  }

  [[nodiscard]] std::string describe() const {
    constexpr const char* names[] = {"write", "append", "truncate", "create", "mkdir", "link", "unlink", "device"};
    return std::string(names[static_cast<int>(kind)]) + " " + path + " " + other + " " + std::to_string(text.size()) +
           " at " + std::to_string(offset);
  }

  bool apply(Model& model) const {
    switch (kind) {
      case Kind::write: return model.write(path, text, offset);
      case Kind::append: {
        const auto node = model.find(path);
        return model.write(path, text, node ? node->content.size() : 0);
      }
      case Kind::truncate: return model.truncate(path);
      case Kind::create: return model.create(path, abi::FileType::file);
      case Kind::mkdir: return model.create(path, abi::FileType::directory);
      case Kind::link: return model.link(path, other);
      case Kind::unlink: return model.unlink(path);
      case Kind::device: return model.create(path, abi::FileType::device);
    }
    return false;
  }

  [[nodiscard]] lib::Result<void> apply(Mounted& volume) const {
    switch (kind) {
      case Kind::write: return write_file(volume, offset);
      case Kind::append: {
        const auto stat = volume.stat(path);
        return write_file(volume, stat ? stat->size : 0);
      }
      case Kind::truncate: {
        const auto node = volume.stat(path);
        if (node && node->type != abi::FileType::file) return lib::fail(Error::invalid_argument);
        LIB_TRY(volume->open({}, path, abi::OpenMode::read_write | abi::OpenMode::truncate));
        return {};
      }
      case Kind::create: return made(volume->create({}, path, {}));
      case Kind::mkdir: return made(volume->create({}, path, {.type = abi::FileType::directory}));
      case Kind::link: return volume->link({}, path, other);
      case Kind::unlink: return volume->unlink({}, path);
      case Kind::device: return made(volume->create({}, path, {.type = abi::FileType::device, .major = 3, .minor = 4}));
    }
    return {};
  }

 private:
  static lib::Result<void> made(const lib::Result<fs::InodeRef>& result) {
    if (!result) return lib::fail(result.error());
    return {};
  }
  [[nodiscard]] lib::Result<void> write_file(Mounted& volume, u64 at) const {
    const auto file = LIB_TRY(volume->open({}, path, abi::OpenMode::create | abi::OpenMode::read_write));
    if (LIB_TRY(file->stat()).type != abi::FileType::file) return lib::fail(Error::invalid_argument);
    fs::MemorySource source(std::as_bytes(std::span(text)));
    if (text.empty() && at > LIB_TRY(file->stat()).size) return lib::fail(Error::invalid_argument);
    LIB_TRY(file->write(source, at, text.size()));
    return file->settle();  // as closing it would
  }
};

}  // namespace fs_test
