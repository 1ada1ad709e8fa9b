# The targets that xv6 users type. The work is done by ./run, ./test and CMake; `make` alone builds what
# MIT's graders look for.
#
#   CPUS=N     harts (default 3)          VIEW=V     kernel view; kernel/kernel is built from it too
#   APPEND=    boot arguments             LEGACY=1   virtio-mmio version 1
#   GDBPORT=   where gdb connects         LAB=       `make grade` runs your course's ./grade-lab-$(LAB)
#
# The default view here is `shared`: its kernel is linked where it is loaded, so the addresses in kernel/kernel,
# in kernel/kernel.sym, in a backtrace and in gdb are one and the same, as in xv6. ./run defaults to `unified`.
CPUS ?= 3
VIEW ?= shared
APPEND ?=
LEGACY ?=
GDBPORT ?= $(shell $(python)/products.py gdbport)
GRADEFLAGS ?=
-include conf/lab.mk

python := python3 tools/guest
boot := ./run --view $(VIEW) --smp $(CPUS) --image fs.img
boot += $(if $(APPEND),--append '$(APPEND)') $(if $(LEGACY),--legacy-virtio)

.PHONY: all qemu qemu-gdb print-gdbport gdb grade test bench clean fs.img

all: kernel/kernel fs.img

kernel/kernel: FORCE
	@$(python)/products.py kernel $(VIEW)

fs.img: FORCE
	@$(python)/products.py image

qemu: fs.img
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

test:
	@./test

bench:
	@./bench

clean:
	rm -rf build kernel/kernel kernel/kernel.sym fs.img fs.img.old .fs.img.made-from .gdbinit compile_commands.json

.PHONY: FORCE
FORCE:
