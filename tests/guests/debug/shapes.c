// Types of every form that C has, and beside each what the compiler itself says of it: facts[] is the oracle.
typedef unsigned long word;
typedef unsigned char octet;
typedef const volatile word *watched;

enum signs { minus = -3, nothing = 0, plus = 300 };
enum huge { top = 0x80000000u, beyond = 0x100000001ul };

struct later;
typedef int (*callback)(struct later *, word);

union both {
  word whole;
  octet part[8];
};

struct shapes {
  octet first;
  unsigned low : 3;
  unsigned high : 9;
  int below : 5;
  word wide : 40;
  enum signs sign;
  watched pointer;
  callback call;
  struct later *unknown;
  int table[3][5];
  octet open_count[0x101];
  union both both;
  struct {
    short inner;
    union {
      int left;
      float right;
    };
  };
  _Bool yes;
  double real;
  struct shapes *next;
  char tail[];
};

struct empty_array {
  int before;
  int none[0];
  int after;
};

struct fact {
  const char *type;
  const char *member;
  word offset;
  word size;
};

#define MEMBER(name) {"shapes", #name, __builtin_offsetof(struct shapes, name), sizeof(((struct shapes *)0)->name)}
const struct fact facts[] = {
    MEMBER(first), MEMBER(sign), MEMBER(pointer), MEMBER(call), MEMBER(unknown), MEMBER(table), MEMBER(open_count),
    MEMBER(both), MEMBER(inner), MEMBER(left), MEMBER(right), MEMBER(yes), MEMBER(real), MEMBER(next),
    {"shapes", "tail", __builtin_offsetof(struct shapes, tail), 0},
    {"empty_array", "none", __builtin_offsetof(struct empty_array, none), 0},
    {"empty_array", "after", __builtin_offsetof(struct empty_array, after), sizeof(int)},
    {"both", "part", 0, 8},
};

struct shapes shapes = {.first = 1, .low = 5, .high = 300, .below = -7, .wide = 1, .sign = minus, .yes = 1};
struct empty_array empty_array = {1, {}, 2};
enum huge huge = beyond;
static int counts[4];
word grid[2][3][4];
extern word elsewhere[];
__int128 large;

static inline __attribute__((always_inline)) int twice(int value) {
  counts[value & 3]++;
  return value * 2;
}

static inline __attribute__((always_inline)) int four_times(int value) {
  int half = twice(value);
  return twice(half);
}

__attribute__((noinline)) int leaf(int value) {
  static int calls;
  calls += value;
  return value ^ calls;
}

__attribute__((noinline)) int middle(int value) {
  int sum = 0;
  for (int i = 0; i < value; i++) {
    int step = four_times(i);
    sum += leaf(step);
    if (sum > 1000) {
      int rest = sum % 7;
      sum = leaf(rest) + (int)grid[1][2][rest & 3];
    }
  }
  return sum;
}

int variable_length(int count) {
  int numbers[count];
  for (int i = 0; i < count; i++) numbers[i] = leaf(i);
  int sum = 0;
  for (int i = 0; i < count; i++) sum += numbers[i];
  return sum;
}

void _start(void) {
  shapes.table[1][2] = middle(10) + variable_length(5) + (int)elsewhere[1];
  // Whoever looks for what nobody needs finds these needed.
  shapes.table[0][0] = (int)facts[shapes.low].size + (int)huge + empty_array.before + (int)large;
  for (;;) {
  }
}
