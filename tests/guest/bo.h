/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffer objects.
 */
#ifndef TESTS_GUEST_BO_H
#define TESTS_GUEST_BO_H

#include <stdint.h>

#include "vm.h"

/** enum bo_place - where an object may live: a mask of memory regions */
enum bo_place {
	BO_SYSTEM = 1 << 0,
	BO_VRAM = 1 << 1,
	/** @BO_ANY: in VRAM, as long as there is room */
	BO_ANY = BO_SYSTEM | BO_VRAM,
};

/** struct bo - an object */
struct bo {
	/** @fd: DRM file */
	int fd;
	/** @handle: GEM handle */
	uint32_t handle;
	/** @bytes: size */
	uint64_t bytes;
	/** @map: CPU mapping, made by bo_map() */
	void *map;
};

/* An object that is local to @vm, or external if it is NULL. */
struct bo bo_create(int fd, const struct vm *vm, uint64_t bytes, enum bo_place place);
/* The same: 0 or a negative errno. */
int bo_try_create(int fd, const struct vm *vm, uint64_t bytes, enum bo_place place, uint32_t flags,
		  struct bo *bo);
/* CPU mapping of the whole object, which stays until it is destroyed. */
void *bo_map(struct bo *bo);
void bo_destroy(struct bo *bo);

#endif
