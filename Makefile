# certtap: see README.md. Everything that is made goes to build/.
#
#   make            build/certtap                 make V=1      show every command
#   make test       every test                    make SAN=address,undefined test
#   make fuzz       each fuzz target for a minute make bench    speed and memory, beside peers
#   make test-versions   --secrets with the TLS libraries of Debian 11 and 13
#   make run        observe this host             make demo     the founding case, played

BUILD := build
CC ?= gcc
CLANG ?= clang
# Ubuntu ships bpftool beside its kernels, and a wrapper that refuses when the versions differ.
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PACKAGES := libbpf libpcap libcrypto libseccomp libcap-ng libzstd zlib libbrotlidec sqlite3 yaml-0.1 ncursesw
ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))

SAN ?=
FUZZ_SECONDS ?= 60
V ?= 0
ifeq ($(V),0)
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
else
say =
endif

# A build with sanitizers has its own folder: objects of different flags never mix.
comma := ,
OUT := $(BUILD)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

WARN := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wundef -Wformat=2 -Wimplicit-fallthrough
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT ?= -O2
# certtap itself is optimised as a whole (5 % on captures); tests are linked from the same objects as they are.
LTO := $(if $(SAN),,$(shell $(CC) -flto=auto -ffat-lto-objects -x c -c /dev/null -o /dev/null 2>/dev/null && echo yes))
CPPFLAGS_ALL = -D_GNU_SOURCE -DPCAP_DONT_INCLUDE_PCAP_BPF_H -I. -I$(BUILD) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu11 -g $(OPT) $(if $(LTO),-flto=auto -ffat-lto-objects) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) \
	$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)

PARSERS := $(wildcard parsers/*.c)
USERSPACE := $(filter-out userspace/main.c,$(wildcard userspace/*.c userspace/*/*.c))
BPF := $(wildcard bpf/*.bpf.c)
SKELETONS := $(BPF:bpf/%.bpf.c=$(BUILD)/bpf/%.skel.h)
UNIT := $(wildcard tests/unit/test_*.c)
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)
TOOLS := $(wildcard tools/bench/*.c)
BPF_TESTS := $(wildcard tests/bpf/test_*.c)

obj = $(patsubst %.c,$(OUT)/%.o,$(1))
CERTTAP := $(OUT)/certtap

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all test tests fuzz bench run demo setup clean install test-versions

all: $(CERTTAP)
	$(if $(SAN),,@true)

$(CERTTAP): $(call obj,userspace/main.c) $(OUT)/libuserspace.a $(OUT)/libparsers.a
	$(call say,LINK,$@)$(CC) $(if $(LTO),$(OPT) -flto=auto) $(HARDEN) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(OUT)/libparsers.a: $(call obj,$(PARSERS))
$(OUT)/libuserspace.a: $(call obj,$(USERSPACE))
$(OUT)/%.a:
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The kernel side: object, then a header with the object inside.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) -Wall -Werror \
		-I. -idirafter /usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<
$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@
WITH_SKELETONS := userspace/attach/attach.c userspace/attach/owners.c userspace/probes/probes_load.c userspace/probes/probes_fork.c
$(call obj,$(WITH_SKELETONS)) $(call obj,$(BPF_TESTS)): $(SKELETONS)

# Tests: one program each, all speaking TAP; tests/run adds them up.
UNIT_BINS := $(UNIT:%.c=$(OUT)/%)
BPF_TEST_BINS := $(BPF_TESTS:%.c=$(OUT)/%)
SEED_BINS := $(FUZZ:tests/fuzz/%.c=$(OUT)/tests/fuzz/replay_%)
$(UNIT_BINS) $(BPF_TEST_BINS): $(OUT)/%: $(OUT)/%.o $(OUT)/libuserspace.a $(OUT)/libparsers.a
	$(call say,LINK,$@)$(CC) $(if $(LTO),-fno-lto) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka -ljansson
$(SEED_BINS): $(OUT)/tests/fuzz/replay_%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o $(OUT)/libuserspace.a $(OUT)/libparsers.a
	$(call say,LINK,$@)$(CC) $(if $(LTO),-fno-lto) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
tests: $(CERTTAP) $(UNIT_BINS) $(BPF_TEST_BINS) $(SEED_BINS)

setup:
	@tools/setup
test:
	@tools/setup --quiet --for test
	@$(MAKE) --no-print-directory -j$$(nproc) tests
	@tests/run $(OUT)

# Beside `test`, not part of it: it downloads two Debian releases into build/versions.
test-versions:
	@tools/setup --quiet --for versions
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tools/test-versions $(OUT)

# Fuzz targets: everything by clang, with sanitizers, compiled once.
FUZZ_OUT := $(BUILD)/fuzz
FUZZ_BINS := $(FUZZ:tests/fuzz/%.c=$(FUZZ_OUT)/%)
FUZZ_FLAGS := -g -O1 -std=gnu11 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
$(FUZZ_OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CLANG) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(WITH_SKELETONS:%.c=$(FUZZ_OUT)/obj/%.o): $(SKELETONS)
$(FUZZ_OUT)/libfuzzed.a: $(patsubst %.c,$(FUZZ_OUT)/obj/%.o,$(PARSERS) $(USERSPACE))
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^
$(FUZZ_BINS): $(FUZZ_OUT)/%: $(FUZZ_OUT)/obj/tests/fuzz/%.o $(FUZZ_OUT)/libfuzzed.a
	$(call say,LINK,$@)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)
fuzz:
	@tools/setup --quiet --for test
	@$(MAKE) --no-print-directory -j$$(nproc) $(FUZZ_BINS)
	@tests/fuzz/run $(BUILD)/fuzz $(FUZZ_SECONDS)

TOOL_BINS := $(TOOLS:%.c=$(OUT)/%)
$(TOOL_BINS): $(OUT)/%: $(OUT)/%.o $(OUT)/libuserspace.a $(OUT)/libparsers.a
	$(call say,LINK,$@)$(CC) $(if $(LTO),-fno-lto) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(OUT)/tools/bench/bench_secrets: LIBS += -lssl
$(call obj,$(TOOLS)): $(SKELETONS)
bench:
	@tools/setup --quiet --for bench
	@$(MAKE) --no-print-directory -j$$(nproc) all $(TOOL_BINS)
	@tools/bench/run $(OUT)

run:
	@tools/setup --for build
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@$(CERTTAP) live
demo:
	@tools/setup --quiet --for demo
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tools/demo $(CERTTAP)

PREFIX ?= /usr/local
install: all
	install -D -m 755 $(CERTTAP) $(DESTDIR)$(PREFIX)/sbin/certtap

clean:
	rm -rf $(BUILD)

# Only where objects are: what tests install under build/ has files of that name too.
-include $(shell find $(addprefix $(OUT)/,parsers userspace tests tools) $(FUZZ_OUT)/obj -name '*.d' -type f 2>/dev/null)
