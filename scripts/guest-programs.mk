# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guest programs: each C file below src that has a main() is a program of that
# name; the C files without one are shared by all of them.

CFLAGS ?= -O2 -g -Wall -Wextra -Wno-unused-parameter
CPPFLAGS += -D_GNU_SOURCE -Isrc -Iqemu-hw -Iqemu-hw/abi $(shell pkg-config --cflags libdrm)
LDLIBS += $(shell pkg-config --libs libdrm) -lpthread -lrt -lm

paren := (
mains := $(shell grep -lE '\bmain *[$(paren)]' $(wildcard src/*.c) /dev/null)
shared := $(patsubst src/%.c,obj/%.o,$(filter-out $(mains),$(wildcard src/*.c)))
programs := $(patsubst src/%.c,out/%,$(mains))

all: $(programs) | out

out/%: obj/%.o $(shared) | out
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

obj/%.o: src/%.c guest-programs.mk | obj
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

out obj:
	mkdir -p $@

.PHONY: all
.SECONDARY:
-include $(wildcard obj/*.d)
