// A second unit: a variable that the first only declares, and a static of the same name as one there.
typedef unsigned long word;
struct later {
  word mark;
  struct later *link;
};
word elsewhere[7] = {1, 2, 3};
static struct later counts = {5, &counts};
int leaf(int value);

__attribute__((section(".text.far"))) int far_away(int value) { return leaf(value + (int)counts.mark); }

__attribute__((noinline, cold)) int cold_part(int value) { return value ? far_away(value) : (int)elsewhere[value]; }
