# SPDX-License-Identifier: MIT
# The targets that xv6 users type. The work is done by ./run, ./test and CMake; `make` alone builds what
# MIT's graders look for.
#
#   CPUS=N     harts (default: the lab's) VIEW=V     kernel view; kernel/kernel is built from it too
#   APPEND=    boot arguments             LEGACY=1   virtio-mmio version 1
#   GDBPORT=   where gdb connects         LAB=       as in conf/lab.mk; `make grade` runs ./grade-lab-$(LAB)
#                                                    (net: the machine has a network card)
#   PREFIX=    where `make install` puts foliowalk and vellum, for kernels of your own (default: ~/.local)
#
# The default view here is `shared`: its kernel is linked where it is loaded, so the addresses in kernel/kernel,
# in kernel/kernel.sym, in a backtrace and in gdb are one and the same, as in xv6. ./run defaults to `unified`.
VIEW ?= shared
APPEND ?=
LEGACY ?=
GDBPORT ?= $(shell $(python)/products.py gdbport)
GRADEFLAGS ?=
PREFIX ?= $(HOME)/.local
-include conf/lab.mk

# As MIT's Makefile has it: the fs lab runs on one hart, the lock lab on four.
CPUS ?= $(or $(harts_$(strip $(LAB))),3)
harts_fs := 1
harts_lock := 4

python := python3 tools/guest
boot := ./run --no-lto --view $(VIEW) --smp $(CPUS) --image fs.img
boot += $(if $(filter net,$(LAB)),--net)
boot += $(if $(APPEND),--append '$(APPEND)') $(if $(LEGACY),--legacy-virtio)

.PHONY: all qemu qemu-fs qemu-gdb print-gdbport gdb grade install test bench clean fs.img

all: kernel/kernel fs.img

kernel/kernel: FORCE
	@$(python)/products.py kernel $(VIEW)

fs.img: FORCE
	@$(python)/products.py image

# fs.img is kept from run to run, so the two are one here; xv6 of 2026 makes it anew for `make qemu`.
qemu qemu-fs: fs.img
	@$(boot)

qemu-gdb: kernel/kernel fs.img
	@$(boot) --gdb --gdb-port $(GDBPORT)

print-gdbport:
	@echo $(GDBPORT)

gdb:
	gdb-multiarch -iex 'add-auto-load-safe-path $(CURDIR)'

grade:
	@if [ ! -x ./grade-lab-$(LAB) ]; then \
	  echo "make grade LAB=NAME runs ./grade-lab-NAME: put it and gradelib.py here"; exit 2; fi
	./grade-lab-$(LAB) $(GRADEFLAGS)

install:
	@$(python)/products.py install '$(PREFIX)'

test:
	@./test

bench:
	@./bench

clean:
	@$(python)/products.py forget
	rm -rf build kernel/kernel kernel/kernel.sym .gdbinit compile_commands.json

.PHONY: FORCE
FORCE:
