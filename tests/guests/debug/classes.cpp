// What C++ adds: namespaces, members of classes, static members, templates, references, lambdas.
using word = unsigned long;

namespace memory {

struct Range {
  word begin = 0;
  word end = 0;
};

template <typename T, int count>
class Array {
 public:
  T& operator[](int index) { return storage_[index]; }
  static int made;

 private:
  T storage_[count];
};

template <typename T, int count>
int Array<T, count>::made = 3;

class Base {
 public:
  virtual int number() const;
  word base_value = 7;
};

class Table : public Base {
 public:
  int number() const override;
  [[gnu::noinline]] int sum(int from) const;
  static Table* current;

 private:
  Array<Range, 6> ranges_;
  const Range& reference_ = hidden;
  int Range::* unused_ = nullptr;
  enum class Mode : unsigned char { off, on = 200 } mode_ = Mode::on;
  static Range hidden;

  friend int use(Table& table);
};

Range Table::hidden = {4, 5};
Table* Table::current = nullptr;

namespace {
Table the_table;
}

int Base::number() const { return 1; }
int Table::number() const { return 2; }

int Table::sum(int from) const {
  int total = from;
  const auto add = [&total](word value) __attribute__((noinline)) { total += static_cast<int>(value); };
  for (int i = 0; i < 6; ++i) add(ranges_.made + i);
  return total;
}

int use(Table& table) {
  table.ranges_[2] = {1, 2};
  return table.sum(3) + table.number();
}

}  // namespace memory

extern "C" [[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }
extern "C" void _start() {
  memory::Table::current = &memory::the_table;
  volatile int result = memory::use(*memory::Table::current);
  (void)result;
  for (;;) {
  }
}
