// SPDX-License-Identifier: MIT
// Open files, pipes and the pages of mapped files. Every test gives back each frame, slot and handle it took.
#include "fs/file.hpp"

#include <thread>

#include "fs/frames_arena.hpp"
#include "fs/kit.hpp"

namespace fs_test {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    FramesArena::ensure();
    mm::frames().drain_caches();
    free_frames_ = mm::frames().free_count();
  }
  ~FileTest() override {
    EXPECT_EQ(fs::Pipe::count(), 0u);
    EXPECT_EQ(files.open_count(), 0u);
    EXPECT_EQ(volume->pages().count(), 0u);
    mm::frames().drain_caches();
    EXPECT_EQ(mm::frames().free_count(), free_frames_);
    expect_clean(volume);
  }

  fs::FileRef open(std::string_view path, abi::OpenMode mode) {
    auto file = files.open(*volume, {}, path, mode);
    EXPECT_OK(file);
    return file ? std::move(*file) : fs::FileRef();
  }
  static lib::Result<usize> write(const fs::FileRef& file, std::string_view text) {
    fs::MemorySource source(std::as_bytes(std::span(text)));
    return file->write(source, text.size());
  }
  static lib::Result<std::string> read(const fs::FileRef& file, usize count) {
    std::string text(count, '?');
    fs::MemorySink sink(std::as_writable_bytes(std::span(text)));
    text.resize(LIB_TRY(file->read(sink, count)));
    return text;
  }
  static std::byte* bytes_of(sv39::Ppn frame) { return static_cast<std::byte*>(mm::frame_bytes(frame)); }

  Mounted volume{mkfs::Plan{}};
  fs::FileTable files;
  u64 free_frames_;
};

constexpr abi::OpenMode create_write = abi::OpenMode::create | abi::OpenMode::read_write;

TEST_F(FileTest, TheOffsetIsSharedByHandlesToOneFile) {
  fs::FileRef file = open("f", create_write);
  fs::FileRef other = file.clone();
  EXPECT_EQ(*write(file, "12345"), 5u);
  EXPECT_EQ(*write(other, "67"), 2u);
  const fs::FileRef reader = open("f", abi::OpenMode::read_only);
  EXPECT_EQ(*read(reader, 100), "1234567");
  EXPECT_EQ(*read(reader, 100), "");
  file.reset();
  EXPECT_EQ(*write(other, "8"), 1u);
}

TEST_F(FileTest, ModesAreKept) {
  const fs::FileRef writer = open("f", abi::OpenMode::create | abi::OpenMode::write_only);
  const fs::FileRef reader = open("f", abi::OpenMode::read_only);
  EXPECT_ERROR(Error::not_permitted, read(writer, 1));
  EXPECT_ERROR(Error::not_permitted, write(reader, "x"));
  EXPECT_EQ(reader->stat()->type, abi::FileType::file);
}

TEST_F(FileTest, TableRunsOutAndRecovers) {
  std::vector<fs::FileRef> all;
  for (usize i = 0; i < fs::FileTable::slot_count; ++i) all.push_back(open("f", create_write));
  EXPECT_ERROR(Error::limit_reached, files.open(*volume, {}, "g", create_write));
  EXPECT_ERROR(Error::not_found, volume.stat("g"));
  EXPECT_ERROR(Error::limit_reached, files.make_pipe());
  all.pop_back();
  EXPECT_ERROR(Error::limit_reached, files.make_pipe());
  all.pop_back();
  EXPECT_OK(files.make_pipe());
}

TEST_F(FileTest, DevicesWithoutADriverCannotBeOpened) {
  for (const i16 major : {7, -1, 10, 32767, -32768}) {
    ASSERT_OK(volume->create({}, "dev", {.type = abi::FileType::device, .major = major, .minor = 0}));
    EXPECT_ERROR(Error::not_found, files.open(*volume, {}, "dev", abi::OpenMode::read_write));
    ASSERT_OK(volume->unlink({}, "dev"));
  }
}

TEST_F(FileTest, PipeBasics) {
  fs::PipeEnds pipe = *files.make_pipe();
  EXPECT_EQ(*read(pipe.reader, 0), "");
  EXPECT_EQ(*write(pipe.writer, std::string(abi::pipe_size, 'x')), abi::pipe_size);
  EXPECT_EQ(read(pipe.reader, 10)->size(), 10u);
  EXPECT_EQ(read(pipe.reader, 10000)->size(), abi::pipe_size - 10);
  EXPECT_ERROR(Error::not_permitted, write(pipe.reader, "x"));
  EXPECT_ERROR(Error::not_permitted, read(pipe.writer, 1));
  EXPECT_ERROR(Error::not_permitted, pipe.reader->stat());
  EXPECT_OK(write(pipe.writer, "end"));
  pipe.writer.reset();
  EXPECT_EQ(*read(pipe.reader, 10), "end");
  EXPECT_EQ(*read(pipe.reader, 10), "");
}

TEST_F(FileTest, PipeWithoutReader) {
  fs::PipeEnds pipe = *files.make_pipe();
  fs::FileRef second = pipe.reader.clone();
  pipe.reader.reset();
  EXPECT_OK(write(pipe.writer, "x"));
  second.reset();
  EXPECT_ERROR(Error::broken_pipe, write(pipe.writer, "x"));
}

TEST_F(FileTest, PipeKeepsBytesInOrderAcrossItsRing) {
  fs::PipeEnds pipe = *files.make_pipe();
  std::string sent(200000, '\0');
  for (usize i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 256);
  std::thread writer([&, end = std::move(pipe.writer)] {
    for (usize at = 0, step = 1; at < sent.size(); at += step, step = step % 9001 + 1) {
      step = std::min(step, sent.size() - at);
      EXPECT_EQ(*write(end, std::string_view(sent).substr(at, step)), step);
    }
  });
  std::string received;
  for (usize step = 1;; step = step % 5003 + 1) {
    const auto piece = read(pipe.reader, step);
    ASSERT_OK(piece);
    if (piece->empty()) break;
    received += *piece;
  }
  writer.join();
  EXPECT_TRUE(received == sent);
}

TEST_F(FileTest, PipeReaderWakesWhenTheWriterGoes) {
  fs::PipeEnds pipe = *files.make_pipe();
  std::thread reader([&] { EXPECT_EQ(*read(pipe.reader, 1), ""); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  pipe.writer.reset();
  reader.join();
}

TEST_F(FileTest, PipeWriterWakesWhenTheReaderGoes) {
  fs::PipeEnds pipe = *files.make_pipe();
  std::thread writer([&] { EXPECT_ERROR(Error::broken_pipe, write(pipe.writer, std::string(10000, 'x'))); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  pipe.reader.reset();
  writer.join();
}

// --- Mapped pages ---

TEST_F(FileTest, AMappedPageShowsTheFileAndZerosBehindIt) {
  ASSERT_OK(volume.write("f", std::string(6000, 'A')));
  const fs::FileRef file = open("f", abi::OpenMode::read_only);
  mm::FileBacking& backing = file->inode()->backing();
  EXPECT_ERROR(Error::not_found, backing.try_acquire_page(0));
  const auto first = backing.acquire_page(0), second = backing.acquire_page(1);
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(bytes_of(*first)[4095], std::byte{'A'});
  EXPECT_EQ(bytes_of(*second)[6000 - 4096 - 1], std::byte{'A'});
  for (usize i = 6000 - 4096; i < 4096; ++i) ASSERT_EQ(bytes_of(*second)[i], std::byte{0});
  EXPECT_ERROR(Error::bad_address, backing.acquire_page(2));
  EXPECT_ERROR(Error::bad_address, backing.acquire_page(u64{1} << 40));
  EXPECT_EQ(*backing.try_acquire_page(0), *first);
  backing.release_page(0);
  backing.release_page(0);
  backing.release_page(1);
}

TEST_F(FileTest, FileCallsAndMappingsSeeTheSameBytes) {
  ASSERT_OK(volume.write("f", std::string(5000, 'A')));
  const fs::FileRef file = open("f", abi::OpenMode::read_write);
  mm::FileBacking& backing = file->inode()->backing();
  const auto page = backing.acquire_page(0);
  ASSERT_OK(page);
  ASSERT_OK(volume.write("f", "written", 1020));
  EXPECT_EQ(std::memcmp(bytes_of(*page) + 1020, "written", 7), 0);
  backing.mark_dirty(0);
  std::memcpy(bytes_of(*page) + 2000, "stored", 6);
  EXPECT_EQ(volume.read("f")->substr(2000, 6), "stored");
  EXPECT_EQ(volume.read("f")->substr(1018, 11), "AAwrittenAA");
  backing.release_page(0);
  EXPECT_EQ(volume.read("f")->substr(2000, 6), "stored");
}

TEST_F(FileTest, ADirtyPageIsWrittenOnceAndNeverBeyondTheEnd) {
  ASSERT_OK(volume.write("f", std::string(5000, 'A')));
  {
    const fs::FileRef file = open("f", abi::OpenMode::read_write);
    mm::FileBacking& backing = file->inode()->backing();
    backing.hold();
    const auto page = backing.acquire_page(1);
    EXPECT_EQ(*backing.acquire_page(1), *page);
    backing.mark_dirty(1);
    std::memset(bytes_of(*page), 'B', 4096);
    const u64 writes = volume.disk().writes();
    backing.release_page(1);
    EXPECT_EQ(volume.disk().writes(), writes);  // another mapping is left
    ASSERT_OK(volume->unlink({}, "f"));
    ASSERT_OK(volume.write("other", "x"));
    backing.release_page(1);
    EXPECT_EQ(file->stat()->size, 5000u);
    EXPECT_EQ(file->stat()->link_count, 0);
    backing.drop();
  }
  ASSERT_OK(volume.write("f", std::string(5000, 'A')));
  {
    const fs::FileRef file = open("f", abi::OpenMode::read_write);
    mm::FileBacking& backing = file->inode()->backing();
    const auto page = backing.acquire_page(1);
    backing.mark_dirty(1);
    std::memset(bytes_of(*page), 'B', 4096);
    for (const u64 index : {0, 1}) ASSERT_OK(backing.write_back(index));
    backing.release_page(1);
  }
  volume.remount();
  EXPECT_EQ(*volume.read("f"), std::string(4096, 'A') + std::string(904, 'B'));
}

// Who asks is told, as often as he asks; who ends without asking cannot be, and then the volume takes no more writes.
TEST_F(FileTest, AStoreThatCannotBeWrittenIsNotSilentlyLost) {
  ASSERT_OK(volume.write("f", std::string(9000, 'A')));
  const fs::FileRef file = open("f", abi::OpenMode::read_write);
  mm::FileBacking& backing = file->inode()->backing();
  const auto first = backing.acquire_page(0), second = backing.acquire_page(1);
  for (const auto page : {*first, *second}) std::memset(bytes_of(page), 'B', 4096);
  backing.mark_dirty(0), backing.mark_dirty(1);
  volume.disk().fail_at(1, MemoryDisk::Failing::from_then_on);
  EXPECT_FALSE(backing.write_back(0));
  EXPECT_FALSE(backing.write_back(0)) << "still dirty after the first refusal";
  EXPECT_FALSE(backing.write_back(1));
  backing.release_page(0);
  backing.release_page(1);
  EXPECT_TRUE(volume->is_read_only());
  EXPECT_FALSE(volume->sync());
  volume.disk().fail_at(0, MemoryDisk::Failing::once);
}

TEST_F(FileTest, TruncationClearsMappedPages) {
  ASSERT_OK(volume.write("f", std::string(9000, 'A')));
  const fs::FileRef file = open("f", abi::OpenMode::read_write);
  mm::FileBacking& backing = file->inode()->backing();
  const auto page = backing.acquire_page(1);
  backing.mark_dirty(1);
  ASSERT_OK(file->inode()->truncate());
  EXPECT_EQ(bytes_of(*page)[0], std::byte{0});
  EXPECT_EQ(bytes_of(*page)[4095], std::byte{0});
  EXPECT_ERROR(Error::not_found, backing.try_acquire_page(1));
  EXPECT_ERROR(Error::bad_address, backing.acquire_page(1));
  ASSERT_OK(volume.write("f", std::string(9000, 'C')));
  EXPECT_EQ(bytes_of(*page)[4095], std::byte{'C'});
  backing.release_page(1);
  EXPECT_EQ(*volume.read("f"), std::string(9000, 'C'));
}

TEST_F(FileTest, PagesOfManyFilesDoNotMix) {
  std::vector<fs::FileRef> open_files;
  std::vector<sv39::Ppn> frames;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "f" + std::to_string(i);
    ASSERT_OK(volume.write(name, std::string(8192, static_cast<char>('a' + i))));
    open_files.push_back(open(name, abi::OpenMode::read_write));
    for (u64 index = 0; index < 2; ++index)
      frames.push_back(*open_files.back()->inode()->backing().acquire_page(index));
  }
  for (int i = 0; i < 40; ++i) EXPECT_EQ(bytes_of(frames[i])[17], static_cast<std::byte>('a' + i / 2));
  for (int i = 0; i < 40; ++i) open_files[i / 2]->inode()->backing().release_page(i % 2);
}

}  // namespace
}  // namespace fs_test
