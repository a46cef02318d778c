// SPDX-License-Identifier: GPL-2.0
/*
 * The errno that each ioctl gives for its arguments alone: docs/uapi.md, "Errors",
 * as tables. A case is valid arguments with up to four fields changed.
 */
#include <kunit/test.h>
#include <linux/limits.h>

#include <uapi/drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_bind.h"
#include "svmgpu_bind_args.h"
#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue_args.h"
#include "svmgpu_sync.h"
#include "svmgpu_sysfs.h"
#include "svmgpu_vm.h"

/** struct field_change - a value for one field of the arguments */
struct field_change {
	/** @offset: of the field */
	size_t offset;
	/** @bytes: its size; 0 ends the list */
	size_t bytes;
	/** @value: little endian, as the machine is */
	u64 value;
};

/** struct errno_case - one change of valid arguments and what it gives */
struct errno_case {
	/** @what: for the report */
	const char *what;
	/** @err: expected */
	int err;
	/** @changes: of the valid arguments */
	struct field_change changes[4];
};

#define SET(type, field, val)	\
	{ offsetof(struct drm_xe_##type, field), sizeof_field(struct drm_xe_##type, field), val }

typedef int (*check_fn)(const void *args);

static void run_cases(struct kunit *test, const struct errno_case *cases, size_t num,
		      const void *valid, size_t bytes, check_fn check)
{
	u8 *args = kunit_kmalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, args);
	for (size_t i = 0; i < num; i++) {
		memcpy(args, valid, bytes);
		for (size_t j = 0; j < ARRAY_SIZE(cases->changes); j++) {
			const struct field_change *change = &cases[i].changes[j];

			memcpy(args + change->offset, &change->value, change->bytes);
		}
		KUNIT_EXPECT_EQ_MSG(test, check(args), cases[i].err, "%s", cases[i].what);
	}
}

#define RUN(test, cases, valid, check)	\
	run_cases(test, cases, ARRAY_SIZE(cases), &(valid), sizeof(valid), check)

/* --- objects ------------------------------------------------------------------ */

#define GEM(field, val)		SET(gem_create, field, val)
#define MMAP(field, val)	SET(gem_mmap_offset, field, val)

static int check_gem(const void *args)
{
	u32 flags;

	return svmgpu_gem_check_create(args, &flags);
}

static int check_mmap_offset(const void *args)
{
	return svmgpu_gem_check_mmap_offset(args);
}

static void errno_gem_test(struct kunit *test)
{
	static const struct drm_xe_gem_create valid = {
		.size = SZ_64K,
		.placement = BIT(0),
		.cpu_caching = DRM_XE_GEM_CPU_CACHING_WB,
	};
	static const struct errno_case cases[] = {
		{ "system memory", 0 },
		{ "VRAM", 0, { GEM(placement, 2), GEM(cpu_caching, 2) } },
		{ "both", 0, { GEM(placement, 3), GEM(cpu_caching, 2) } },
		{ "all flags", 0, { GEM(placement, 2), GEM(cpu_caching, 2), GEM(flags, 0xf) } },
		{ "2^48", 0, { GEM(size, SVMGPU_VM_SIZE) } },
		{ "larger than 2^48", -ENOSPC, { GEM(size, SVMGPU_VM_SIZE + SZ_4K) } },
		{ "extension", -EINVAL, { GEM(extensions, 8) } },
		{ "padding", -EINVAL, { GEM(pad[2], 1) } },
		{ "reserved", -EINVAL, { GEM(reserved[1], 1) } },
		{ "no placement", -EINVAL, { GEM(placement, 0) } },
		{ "unknown placement", -EINVAL, { GEM(placement, 4) } },
		{ "unknown flag", -EINVAL, { GEM(flags, 0x10) } },
		{ "handle", -EINVAL, { GEM(handle, 1) } },
		{ "no size", -EINVAL, { GEM(size, 0) } },
		{ "half a page", -EINVAL, { GEM(size, SZ_4K + SZ_2K) } },
		{ "visible without VRAM", -EINVAL, { GEM(flags, 4) } },
		{ "no caching", -EINVAL, { GEM(cpu_caching, 0) } },
		{ "unknown caching", -EINVAL, { GEM(cpu_caching, 3) } },
		{ "VRAM cached", -EINVAL, { GEM(placement, 2) } },
		{ "both cached", -EINVAL, { GEM(placement, 3) } },
		{ "scanout cached", -EINVAL, { GEM(flags, 2) } },
		{ "scanout", 0, { GEM(flags, 2), GEM(cpu_caching, 2) } },
	};

	RUN(test, cases, valid, check_gem);
}

static void errno_mmap_offset_test(struct kunit *test)
{
	static const struct drm_xe_gem_mmap_offset valid = { .handle = 1 };
	static const struct errno_case cases[] = {
		{ "object", 0 },
		{ "barrier", 0, { MMAP(handle, 0), MMAP(flags, 1) } },
		{ "barrier of an object", -EINVAL, { MMAP(flags, 1) } },
		{ "unknown flag", -EINVAL, { MMAP(flags, 2) } },
		{ "extension", -EINVAL, { MMAP(extensions, 8) } },
		{ "reserved", -EINVAL, { MMAP(reserved[0], 1) } },
	};

	RUN(test, cases, valid, check_mmap_offset);
}

/* --- VMs ------------------------------------------------------------------------ */

#define VM(field, val)		SET(vm_create, field, val)
#define BIND(field, val)	SET(vm_bind, field, val)
#define OP(field, val)		SET(vm_bind_op, field, val)
#define OPCODE(name)		OP(op, DRM_XE_VM_BIND_OP_##name)
#define OPFLAG(name)		OP(flags, DRM_XE_VM_BIND_FLAG_##name)

static int check_vm(const void *args)
{
	u32 flags;

	return svmgpu_vm_check_create(args, &flags);
}

static void errno_vm_create_test(struct kunit *test)
{
	static const struct drm_xe_vm_create valid = { };
	static const struct errno_case cases[] = {
		{ "plain", 0 },
		{ "scratch", 0, { VM(flags, 1) } },
		{ "long-running", 0, { VM(flags, 2) } },
		{ "faults", 0, { VM(flags, 6) } },
		{ "faults and scratch", 0, { VM(flags, 7) } },
		{ "no overcommit", 0, { VM(flags, 0xe) } },
		{ "faults, not long-running", -EINVAL, { VM(flags, 4) } },
		{ "no overcommit, no faults", -EINVAL, { VM(flags, 0xa) } },
		{ "unknown flag", -EINVAL, { VM(flags, 0x10) } },
		{ "extension", -EINVAL, { VM(extensions, 8) } },
		{ "reserved", -EINVAL, { VM(reserved[1], 1) } },
	};

	RUN(test, cases, valid, check_vm);
}

static int check_bind(const void *args)
{
	return svmgpu_bind_check_args(args);
}

static void errno_bind_test(struct kunit *test)
{
	static const struct drm_xe_vm_bind valid = { .num_binds = 1 };
	static const struct errno_case cases[] = {
		{ "one operation", 0 },
		{ "no operation", 0, { BIND(num_binds, 0) } },
		{ "as many syncs as allowed", 0, { BIND(num_syncs, DRM_XE_MAX_SYNCS) } },
		{ "too many syncs", -EINVAL, { BIND(num_syncs, DRM_XE_MAX_SYNCS + 1) } },
		{ "extension", -EINVAL, { BIND(extensions, 8) } },
		{ "padding", -EINVAL, { BIND(pad, 1) } },
		{ "more padding", -EINVAL, { BIND(pad2, 1) } },
		{ "reserved", -EINVAL, { BIND(reserved[1], 1) } },
	};

	RUN(test, cases, valid, check_bind);
}

static int check_op(const void *op)
{
	static const struct svmgpu_vm vm = { };

	return svmgpu_bind_check_op(&vm, op);
}

static int check_op_in_fault_mode(const void *op)
{
	static const struct svmgpu_vm vm = { .flags = SVMGPU_VM_LR | SVMGPU_VM_FAULT };

	return svmgpu_bind_check_op(&vm, op);
}

/* a PAT index of each kind */
#define PAT_COHERENT	2
#define PAT_INCOHERENT	3
#define PAT_COMPRESSING	9
#define PAT_RESERVED	16

/* an object is mapped */
static const struct drm_xe_vm_bind_op valid_op = {
	.op = DRM_XE_VM_BIND_OP_MAP,
	.obj = 1,
	.pat_index = PAT_COHERENT,
	.addr = SZ_1M,
	.range = SZ_64K,
};

static void errno_bind_op_test(struct kunit *test)
{
	static const struct errno_case cases[] = {
		{ "map", 0 },
		{ "map read-only", 0, { OPFLAG(READONLY) } },
		{ "unmap", 0, { OPCODE(UNMAP), OP(obj, 0) } },
		{ "userptr", 0, { OPCODE(MAP_USERPTR), OP(obj, 0), OP(userptr, SZ_1M) } },
		{ "unmap all", 0, { OPCODE(UNMAP_ALL), OP(addr, 0), OP(range, 0) } },
		{ "prefetch", 0, { OPCODE(PREFETCH), OP(obj, 0),
				   OP(prefetch_mem_region_instance, 1) } },
		{ "prefetch as advised", 0, { OPCODE(PREFETCH), OP(obj, 0),
					      OP(prefetch_mem_region_instance, U32_MAX) } },
		{ "null", 0, { OPFLAG(NULL), OP(obj, 0) } },
		{ "all of the space", 0, { OP(addr, 0), OP(range, SVMGPU_VM_SIZE) } },

		{ "unknown operation", -EINVAL, { OP(op, 5) } },
		{ "unknown flag", -EINVAL, { OP(flags, BIT(8)) } },
		{ "extension", -EINVAL, { OP(extensions, 8) } },
		{ "padding", -EINVAL, { OP(pad, 1) } },
		{ "more padding", -EINVAL, { OP(pad2, 1) } },
		{ "reserved", -EINVAL, { OP(reserved[2], 1) } },
		{ "reserved PAT index", -EINVAL, { OP(pat_index, PAT_RESERVED) } },
		{ "PAT index too large", -EINVAL, { OP(pat_index, 28) } },
		{ "address in a page", -EINVAL, { OP(addr, SZ_1M + 1) } },
		{ "range in a page", -EINVAL, { OP(range, SZ_64K + 8) } },
		{ "offset in a page", -EINVAL, { OP(obj_offset, SZ_2K) } },
		{ "no range", -EINVAL, { OP(range, 0) } },
		{ "beyond the space", -EINVAL, { OP(addr, SVMGPU_VM_SIZE) } },
		{ "over its end", -EINVAL, { OP(addr, SVMGPU_VM_SIZE - SZ_4K) } },
		{ "address and range wrap", -EINVAL, { OP(addr, -SZ_4K), OP(range, SZ_64K) } },
		{ "range larger than the space", -EINVAL, { OP(range, 2 * SVMGPU_VM_SIZE) } },
		{ "map of nothing", -EINVAL, { OP(obj, 0) } },
		{ "null with an object", -EINVAL, { OPFLAG(NULL) } },
		{ "null with an offset", -EINVAL, { OPFLAG(NULL), OP(obj, 0),
						    OP(obj_offset, SZ_4K) } },
		{ "null unmap", -EINVAL, { OPFLAG(NULL), OP(obj, 0), OPCODE(UNMAP) } },
		{ "unmap of an object", -EINVAL, { OPCODE(UNMAP) } },
		{ "prefetch of an object", -EINVAL, { OPCODE(PREFETCH) } },
		{ "userptr with an object", -EINVAL, { OPCODE(MAP_USERPTR) } },
		{ "incoherent userptr", -EINVAL, { OPCODE(MAP_USERPTR), OP(obj, 0),
						   OP(pat_index, PAT_INCOHERENT) } },
		{ "compressing userptr", -EINVAL, { OPCODE(MAP_USERPTR), OP(obj, 0),
						    OP(pat_index, PAT_COMPRESSING) } },
		{ "unmap all of nothing", -EINVAL, { OPCODE(UNMAP_ALL), OP(obj, 0), OP(addr, 0),
						     OP(range, 0) } },
		{ "unmap all at an address", -EINVAL, { OPCODE(UNMAP_ALL), OP(range, 0) } },
		{ "unmap all in a range", -EINVAL, { OPCODE(UNMAP_ALL), OP(addr, 0) } },
		{ "region of a map", -EINVAL, { OP(prefetch_mem_region_instance, 1) } },
		{ "unknown region", -EINVAL, { OPCODE(PREFETCH), OP(obj, 0),
					       OP(prefetch_mem_region_instance, 2) } },
		{ "autoreset of an object", -EINVAL, { OPFLAG(MADVISE_AUTORESET) } },
		{ "decompress", -EOPNOTSUPP, { OPFLAG(DECOMPRESS) } },
		{ "decompress to compressing", -EINVAL, { OPFLAG(DECOMPRESS),
							  OP(pat_index, PAT_COMPRESSING) } },
		{ "decompress at unmap", -EINVAL, { OPFLAG(DECOMPRESS), OP(obj, 0),
						    OPCODE(UNMAP) } },
		{ "mirror without faults", -EINVAL, { OPFLAG(CPU_ADDR_MIRROR), OP(obj, 0) } },
	};
	static const struct errno_case mirror_cases[] = {
		{ "mirror", 0, { OPFLAG(CPU_ADDR_MIRROR), OP(obj, 0) } },
		{ "with autoreset", 0, { OP(flags, BIT(5) | BIT(6)), OP(obj, 0) } },
		{ "with an object", -EINVAL, { OPFLAG(CPU_ADDR_MIRROR) } },
		{ "with an offset", -EINVAL, { OPFLAG(CPU_ADDR_MIRROR), OP(obj, 0),
					       OP(cpu_addr_mirror_offset, SZ_4K) } },
		{ "null, too", -EINVAL, { OP(flags, BIT(2) | BIT(5)), OP(obj, 0) } },
		{ "mirror unmap", -EINVAL, { OPFLAG(CPU_ADDR_MIRROR), OP(obj, 0),
					     OPCODE(UNMAP) } },
		{ "mirror userptr", -EINVAL, { OPFLAG(CPU_ADDR_MIRROR), OP(obj, 0),
					       OPCODE(MAP_USERPTR) } },
	};

	RUN(test, cases, valid_op, check_op);
	RUN(test, mirror_cases, valid_op, check_op_in_fault_mode);
}

/** struct bind_bo_case - an operation and its object */
struct bind_bo_case {
	/** @what: for the report */
	const char *what;
	/** @err: expected */
	int err;
	/** @pat: PAT index of the operation */
	u16 pat;
	/** @offset: into the object, in pages; the operation maps 16 pages */
	u16 offset;
	/** @caching: of the object; 0 when it is imported */
	u16 caching;
	/** @flags: SVMGPU_BO_* */
	u32 flags;
	/** @local: to which VM: 0 none, 1 the right one, 2 another */
	u8 local;
};

static void errno_bind_object_test(struct kunit *test)
{
	static const struct bind_bo_case cases[] = {
		{ "shared object", 0, PAT_COHERENT, 0, 1 },
		{ "its end", 0, PAT_COHERENT, 16, 1 },
		{ "beyond its end", -EINVAL, PAT_COHERENT, 17, 1 },
		{ "local object", 0, PAT_COHERENT, 0, 1, 0, 1 },
		{ "of another VM", -EINVAL, PAT_COHERENT, 0, 1, 0, 2 },
		{ "incoherent, cached", -EINVAL, PAT_INCOHERENT, 0, 1 },
		{ "incoherent, write-combined", 0, PAT_INCOHERENT, 0, 2 },
		{ "compressing, write-combined", 0, PAT_COMPRESSING, 0, 2 },
		{ "compressing, refused", -EINVAL, PAT_COMPRESSING, 0, 2, SVMGPU_BO_NO_COMPRESS },
		{ "imported", 0, PAT_COHERENT, 0, 0 },
		{ "incoherent, imported", -EINVAL, PAT_INCOHERENT, 0, 0 },
		{ "compressing, imported", -EINVAL, PAT_COMPRESSING, 0, 0 },
	};
	struct svmgpu_bo *bo = kunit_kzalloc(test, sizeof(*bo), GFP_KERNEL);
	struct svmgpu_vm *vms = kunit_kcalloc(test, 2, sizeof(*vms), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bo);
	KUNIT_ASSERT_NOT_NULL(test, vms);
	bo->ttm.base.size = 2 * valid_op.range;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drm_xe_vm_bind_op op = valid_op;

		op.pat_index = cases[i].pat;
		op.obj_offset = cases[i].offset * SZ_4K;
		bo->cpu_caching = cases[i].caching;
		bo->flags = cases[i].flags;
		bo->vm = NULL;
		if (cases[i].local)
			bo->vm = &vms[cases[i].local - 1];
		KUNIT_EXPECT_EQ_MSG(test, svmgpu_bind_check_bo(&vms[0], bo, &op), cases[i].err,
				    "%s", cases[i].what);
	}
}

#define ADVICE(field, val)	SET(madvise, field, val)
#define QUERY(field, val)	SET(vm_query_mem_range_attr, field, val)

static int check_madvise(const void *args)
{
	return svmgpu_madvise_check(args);
}

static void errno_madvise_test(struct kunit *test)
{
	static const struct drm_xe_madvise valid = {
		.start = SZ_1M,
		.range = SZ_64K,
		.type = DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC,
	};
	static const struct errno_case cases[] = {
		{ "default device", 0 },
		{ "default system", 0, { ADVICE(preferred_mem_loc.devmem_fd, U32_MAX) } },
		{ "a file", 0, { ADVICE(preferred_mem_loc.devmem_fd, 3),
				 ADVICE(preferred_mem_loc.region_instance, 1) } },
		{ "system pages only", 0, { ADVICE(preferred_mem_loc.migration_policy, 1) } },
		{ "canonical address", 0, { ADVICE(start, -SZ_1M) } },
		{ "end of the space", 0, { ADVICE(start, SVMGPU_VM_SIZE - SZ_64K) } },
		{ "beyond it", -EINVAL, { ADVICE(start, SVMGPU_VM_SIZE - SZ_4K) } },
		{ "range wraps", -EINVAL, { ADVICE(range, -SZ_4K) } },
		{ "no range", -EINVAL, { ADVICE(range, 0) } },
		{ "start in a page", -EINVAL, { ADVICE(start, SZ_1M + 8) } },
		{ "range in a page", -EINVAL, { ADVICE(range, SZ_64K + 8) } },
		{ "extension", -EINVAL, { ADVICE(extensions, 8) } },
		{ "reserved", -EINVAL, { ADVICE(reserved[1], 1) } },
		{ "unknown type", -EINVAL, { ADVICE(type, 4) } },
		{ "unknown location", -EINVAL, { ADVICE(preferred_mem_loc.devmem_fd, -2) } },
		{ "region of no file", -EINVAL, { ADVICE(preferred_mem_loc.region_instance, 1) } },
		{ "unknown policy", -EINVAL, { ADVICE(preferred_mem_loc.migration_policy, 2) } },
		{ "reserved of a location", -EINVAL, { ADVICE(preferred_mem_loc.reserved, 1) } },
		{ "atomics", 0, { ADVICE(type, 1), ADVICE(atomic.val, 3) } },
		{ "unknown atomics", -EINVAL, { ADVICE(type, 1), ADVICE(atomic.val, 4) } },
		{ "padding of atomics", -EINVAL, { ADVICE(type, 1), ADVICE(atomic.pad, 1) } },
		{ "PAT index", 0, { ADVICE(type, 2), ADVICE(pat_index.val, PAT_COHERENT) } },
		{ "reserved PAT index", -EINVAL, { ADVICE(type, 2),
						   ADVICE(pat_index.val, PAT_RESERVED) } },
		{ "purgeable", 0, { ADVICE(type, 3), ADVICE(purge_state_val.val, 1) } },
		{ "unknown state", -EINVAL, { ADVICE(type, 3), ADVICE(purge_state_val.val, 2) } },
		{ "padding of a state", -EINVAL, { ADVICE(type, 3),
						   ADVICE(purge_state_val.pad, 1) } },
	};

	RUN(test, cases, valid, check_madvise);
}

static int check_query_attrs(const void *args)
{
	return svmgpu_query_mem_attrs_check(args);
}

static void errno_query_attrs_test(struct kunit *test)
{
	static const struct drm_xe_vm_query_mem_range_attr valid = { .range = SZ_64K };
	const u64 entry = sizeof(struct drm_xe_mem_range_attr);
	const struct errno_case cases[] = {
		{ "count", 0 },
		{ "entries", 0, { QUERY(num_mem_ranges, 1), QUERY(vector_of_mem_attr, 8),
				  QUERY(sizeof_mem_range_attr, entry) } },
		{ "no vector", -EINVAL, { QUERY(num_mem_ranges, 1),
					  QUERY(sizeof_mem_range_attr, entry) } },
		{ "wrong size", -EINVAL, { QUERY(num_mem_ranges, 1), QUERY(vector_of_mem_attr, 8),
					   QUERY(sizeof_mem_range_attr, entry - 8) } },
		{ "vector, no count", -EINVAL, { QUERY(vector_of_mem_attr, 8) } },
		{ "size, no count", -EINVAL, { QUERY(sizeof_mem_range_attr, entry) } },
		{ "extension", -EINVAL, { QUERY(extensions, 8) } },
		{ "reserved", -EINVAL, { QUERY(reserved[0], 1) } },
	};

	RUN(test, cases, valid, check_query_attrs);
}

/* --- queues, jobs, fences --------------------------------------------------------- */

#define QUEUE(field, val)	SET(exec_queue_create, field, val)
#define EXEC(field, val)	SET(exec, field, val)
#define SYNC(field, val)	SET(sync, field, val)
#define WAIT(field, val)	SET(wait_user_fence, field, val)

static int check_queue(const void *args)
{
	return svmgpu_queue_check_create(args);
}

static void errno_queue_test(struct kunit *test)
{
	static const struct drm_xe_exec_queue_create valid = { .width = 1, .num_placements = 1 };
	static const struct errno_case cases[] = {
		{ "one engine", 0 },
		{ "nine of them", 0, { QUEUE(width, 3), QUEUE(num_placements, 3) } },
		{ "hint", 0, { QUEUE(flags, 1) } },
		{ "no width", -EINVAL, { QUEUE(width, 0) } },
		{ "no placement", -EINVAL, { QUEUE(num_placements, 0) } },
		{ "ten engines", -EINVAL, { QUEUE(width, 5), QUEUE(num_placements, 2) } },
		{ "2^32 engines", -EINVAL, { QUEUE(width, U16_MAX),
					     QUEUE(num_placements, U16_MAX) } },
		{ "unknown flag", -EINVAL, { QUEUE(flags, 2) } },
		{ "reserved", -EINVAL, { QUEUE(reserved[0], 1) } },
	};

	RUN(test, cases, valid, check_queue);
}

/** struct placement_case - engines of a queue, the first context's first */
struct placement_case {
	/** @what: for the report */
	const char *what;
	/** @err: expected */
	int err;
	/** @width: contexts */
	u16 width;
	/** @placements: engines of each */
	u16 placements;
	/** @eci: @placements rows of @width engines: class, instance, gt */
	struct drm_xe_engine_class_instance eci[4];
};

static void errno_placement_test(struct kunit *test)
{
	static const struct placement_case cases[] = {
		{ "one engine", 0, 1, 1, { { 1, 0 } } },
		{ "either of two", 0, 1, 2, { { 2, 0 }, { 2, 1 } } },
		{ "two side by side", 0, 2, 1, { { 2, 0 }, { 2, 1 } } },
		{ "the same twice", -EINVAL, 2, 1, { { 2, 0 }, { 2, 0 } } },
		{ "wrong way round", -EINVAL, 2, 1, { { 2, 1 }, { 2, 0 } } },
		{ "mixed classes", -EINVAL, 1, 2, { { 2, 0 }, { 1, 0 } } },
		{ "unknown instance", -EINVAL, 1, 1, { { 2, 3 } } },
		{ "unknown class", -EINVAL, 1, 1, { { 9, 0 } } },
		{ "class not there", -EINVAL, 1, 1, { { 4, 0 } } },
		{ "another gt", -EINVAL, 1, 2, { { 2, 0 }, { 2, 1, 1 } } },
		{ "copy engines side by side", -EOPNOTSUPP, 2, 1, { { 1, 0 }, { 1, 1 } } },
	};
	struct svmgpu_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	for (unsigned int i = 0; i < 4; i++) {
		dev->caps.engines[i].class = i / 2 + DRM_XE_ENGINE_CLASS_COPY;
		dev->caps.engines[i].instance = i % 2;
	}
	dev->caps.num_engines = 4;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct svmgpu_queue_props props = {
			.class = cases[i].eci[0].engine_class,
			.width = cases[i].width,
		};

		KUNIT_EXPECT_EQ_MSG(test, svmgpu_queue_set_placements(dev, &props, cases[i].eci,
								      cases[i].placements),
				    cases[i].err, "%s", cases[i].what);
	}
}

static void errno_queue_property_test(struct kunit *test)
{
	static const struct {
		u16 class;
		u32 property;
		u64 value;
		int err;
	} cases[] = {
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PRIORITY, 0, 0 },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PRIORITY, 1, 0 },
		{ 5, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PRIORITY, 1, 0 },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PRIORITY, 3, -EINVAL },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE, 1000, 0 },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE, 0, -EINVAL },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE, BIT_ULL(32) + 1000, -EINVAL },
		{ 5, DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE, 1000, 0 },
		{ 5, DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE, 0, -EINVAL },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PXP_TYPE, DRM_XE_PXP_TYPE_NONE, 0 },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_PXP_TYPE, 1, -ENODEV },
		{ 1, DRM_XE_EXEC_QUEUE_SET_HANG_REPLAY_STATE, 0, -EINVAL },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_MULTI_GROUP, 0, -EOPNOTSUPP },
		{ 1, DRM_XE_EXEC_QUEUE_SET_PROPERTY_MULTI_QUEUE_PRIORITY, 0, -EINVAL },
		{ 1, DRM_XE_EXEC_QUEUE_SET_DISABLE_STATE_CACHE_PERF_FIX, 1, -EOPNOTSUPP },
		{ 1, 7, 0, -EINVAL },
	};
	struct svmgpu_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->engine_props = kunit_kcalloc(test, SVMGPU_ENGINE_CLASSES, sizeof(*dev->engine_props),
					  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev->engine_props);
	for (unsigned int i = 0; i < SVMGPU_ENGINE_CLASSES; i++)
		dev->engine_props[i].prop[SVMGPU_PROP_TIMESLICE_US] =
			(struct svmgpu_engine_prop) { .value = 1000, .min = 1, .max = 2000 };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct svmgpu_queue_props props = { .class = cases[i].class };

		KUNIT_EXPECT_EQ_MSG(test, svmgpu_queue_set_property(dev, &props,
								    cases[i].property,
								    cases[i].value),
				    cases[i].err, "property %u = %llu", cases[i].property,
				    cases[i].value);
	}
}

static int check_exec(const void *args)
{
	return svmgpu_exec_check(args);
}

static void errno_exec_test(struct kunit *test)
{
	static const struct drm_xe_exec valid = { .num_batch_buffer = 1 };
	static const struct errno_case cases[] = {
		{ "a batch", 0 },
		{ "as many syncs as allowed", 0, { EXEC(num_syncs, DRM_XE_MAX_SYNCS) } },
		{ "too many syncs", -EINVAL, { EXEC(num_syncs, DRM_XE_MAX_SYNCS + 1) } },
		{ "extension", -EINVAL, { EXEC(extensions, 8) } },
		{ "padding", -EINVAL, { EXEC(pad[0], 1) } },
		{ "reserved", -EINVAL, { EXEC(reserved[1], 1) } },
	};

	RUN(test, cases, valid, check_exec);
}

static int check_sync(const void *in)
{
	return svmgpu_sync_check(in, SVMGPU_SYNC_EXEC);
}

static int check_sync_long_running(const void *in)
{
	return svmgpu_sync_check(in, SVMGPU_SYNC_EXEC | SVMGPU_SYNC_LR);
}

static int check_sync_no_operation(const void *in)
{
	return svmgpu_sync_check(in, SVMGPU_SYNC_DISALLOW_USER_FENCE);
}

static void errno_sync_test(struct kunit *test)
{
	static const struct drm_xe_sync valid = { .handle = 1, .timeline_value = 1 };
	static const struct errno_case cases[] = {
		{ "in", 0 },
		{ "out", 0, { SYNC(flags, 1) } },
		{ "binary, value not looked at", 0, { SYNC(timeline_value, 0) } },
		{ "timeline", 0, { SYNC(type, 1) } },
		{ "point zero", -EINVAL, { SYNC(type, 1), SYNC(timeline_value, 0) } },
		{ "handle of 33 bits", -EINVAL, { SYNC(addr, BIT_ULL(32) + 1) } },
		{ "timeline of 33 bits", -EINVAL, { SYNC(type, 1), SYNC(addr, BIT_ULL(32) + 1) } },
		{ "user fence", 0, { SYNC(type, 2), SYNC(flags, 1), SYNC(addr, BIT_ULL(40)) } },
		{ "user fence as in-sync", -EOPNOTSUPP, { SYNC(type, 2), SYNC(addr, 8) } },
		{ "user fence in a word", -EINVAL, { SYNC(type, 2), SYNC(flags, 1),
						     SYNC(addr, 4) } },
		{ "unknown type", -EINVAL, { SYNC(type, 3) } },
		{ "unknown flag", -EINVAL, { SYNC(flags, 2) } },
		{ "extension", -EINVAL, { SYNC(extensions, 8) } },
		{ "reserved", -EINVAL, { SYNC(reserved[0], 1) } },
	};
	static const struct errno_case long_running[] = {
		{ "in", 0 },
		{ "out", -EOPNOTSUPP, { SYNC(flags, 1) } },
		{ "timeline out", -EOPNOTSUPP, { SYNC(type, 1), SYNC(flags, 1) } },
		{ "user fence", 0, { SYNC(type, 2), SYNC(flags, 1), SYNC(addr, 8) } },
	};
	static const struct errno_case no_operation[] = {
		{ "out", 0, { SYNC(flags, 1) } },
		{ "user fence", -EOPNOTSUPP, { SYNC(type, 2), SYNC(flags, 1), SYNC(addr, 8) } },
	};

	RUN(test, cases, valid, check_sync);
	RUN(test, long_running, valid, check_sync_long_running);
	RUN(test, no_operation, valid, check_sync_no_operation);
}

static int check_wait(const void *args)
{
	return svmgpu_wait_check(args);
}

static void errno_wait_test(struct kunit *test)
{
	static const struct drm_xe_wait_user_fence valid = { .addr = 8 };
	static const struct errno_case cases[] = {
		{ "wait", 0 },
		{ "last operation", 0, { WAIT(op, 5) } },
		{ "absolute time", 0, { WAIT(flags, 1) } },
		{ "unknown operation", -EINVAL, { WAIT(op, 6) } },
		{ "unknown flag", -EINVAL, { WAIT(flags, 2) } },
		{ "address in a word", -EINVAL, { WAIT(addr, 12) } },
		{ "extension", -EINVAL, { WAIT(extensions, 8) } },
		{ "padding", -EINVAL, { WAIT(pad, 1) } },
		{ "more padding", -EINVAL, { WAIT(pad2, 1) } },
		{ "reserved", -EINVAL, { WAIT(reserved[1], 1) } },
	};

	RUN(test, cases, valid, check_wait);
}

static struct kunit_case errno_cases[] = {
	KUNIT_CASE(errno_gem_test),
	KUNIT_CASE(errno_mmap_offset_test),
	KUNIT_CASE(errno_vm_create_test),
	KUNIT_CASE(errno_bind_test),
	KUNIT_CASE(errno_bind_op_test),
	KUNIT_CASE(errno_bind_object_test),
	KUNIT_CASE(errno_madvise_test),
	KUNIT_CASE(errno_query_attrs_test),
	KUNIT_CASE(errno_queue_test),
	KUNIT_CASE(errno_placement_test),
	KUNIT_CASE(errno_queue_property_test),
	KUNIT_CASE(errno_exec_test),
	KUNIT_CASE(errno_sync_test),
	KUNIT_CASE(errno_wait_test),
	{}
};

static struct kunit_suite errno_suite = {
	.name = "svmgpu_errno",
	.test_cases = errno_cases,
};

kunit_test_suite(errno_suite);
