#pragma once

// Reads one block of 1024 bytes from a virtio disk (interface 2 at 0x10001000), before any address is translated, and
// waits for it.

struct Disk {
  static constexpr Word at = 0x1000'1000, block = 1024;
  enum Register {
    magic = 0x00,
    version = 0x04,
    device = 0x08,
    features = 0x20,
    feature_word = 0x24,
    queue = 0x30,
    queue_size = 0x38,
    queue_ready = 0x44,
    notify = 0x50,
    status = 0x70,
    rings = 0x80
  };
  struct Descriptor {
    Word address;
    unsigned bytes;
    unsigned short flags, next;
  };

  static volatile unsigned& word(Word offset) { return *reinterpret_cast<volatile unsigned*>(at + offset); }

  static bool is_there() { return word(magic) == 0x7472'6976 && word(version) == 2 && word(device) == 2; }

  static void read(Word number, void* to) {
    alignas(4096) static unsigned char memory[3][4096];
    static struct {
      unsigned type, unused;
      Word sector;
    } request;
    static unsigned char result;
    word(status) = 0;
    word(status) = 3;
    word(feature_word) = 1;
    word(features) = 1;  // version 1, and nothing else
    word(status) = 11;
    word(queue) = 0;
    word(queue_size) = 8;
    for (Word i = 0; i < 3; ++i) {
      word(rings + 16 * i) = static_cast<unsigned>(reinterpret_cast<Word>(memory[i]));
      word(rings + 16 * i + 4) = 0;
    }
    word(queue_ready) = 1;
    word(status) = 15;
    request = {0, 0, number * (block / 512)};
    auto* chain = reinterpret_cast<Descriptor*>(memory[0]);
    chain[0] = {reinterpret_cast<Word>(&request), sizeof request, 1, 1};
    chain[1] = {reinterpret_cast<Word>(to), static_cast<unsigned>(block), 3, 2};
    chain[2] = {reinterpret_cast<Word>(&result), 1, 2, 0};
    auto* available = reinterpret_cast<volatile unsigned short*>(memory[1]);
    auto* used = reinterpret_cast<volatile unsigned short*>(memory[2]);
    available[1] = 1;
    asm volatile("fence" ::: "memory");
    word(notify) = 0;
    while (used[1] == 0) {
    }
    asm volatile("fence" ::: "memory");
  }
};
