#include "proc.h"

struct proc proc[NPROC];
pagetable_t kernel_pagetable;
uint64 trapframes[NPROC][33];
