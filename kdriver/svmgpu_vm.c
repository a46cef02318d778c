// SPDX-License-Identifier: GPL-2.0
/*
 * GPU VMs: creation, look-up, close and destruction, and VM_GET_PROPERTY.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_bind_job.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Overview
 *
 * A VM dies in two steps. *Close*, by its file or by VM_DESTROY, ends its use:
 * the address space is emptied, gpu_vmas and ranges go. *Destroy*, when the last
 * reference goes, gives back what the hardware knows: exec queues hold references,
 * so no context uses the address space any more.
 */

#define VM_CREATE_FLAGS							\
	(DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE | DRM_XE_VM_CREATE_FLAG_LR_MODE | \
	 DRM_XE_VM_CREATE_FLAG_FAULT_MODE | DRM_XE_VM_CREATE_FLAG_NO_VM_OVERCOMMIT)

/**
 * svmgpu_vm_resv_lock() - locks the VM's resv alone
 * @vm: the VM
 *
 * Context: may sleep; no resv held.
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_vm_resv_lock(struct svmgpu_vm *vm)
{
	return svmgpu_resv_lock_interruptible(svmgpu_vm_resv(vm), SVMGPU_LOCK_VM_RESV,
					      vm->trace_id, 0);
}

/**
 * svmgpu_vm_resv_unlock() - the reverse
 * @vm: the VM
 */
void svmgpu_vm_resv_unlock(struct svmgpu_vm *vm)
{
	svmgpu_resv_unlock(svmgpu_vm_resv(vm), SVMGPU_LOCK_VM_RESV);
}

/* --- what the hardware knows --------------------------------------------------- */

static int vm_as_set(struct svmgpu_vm *vm)
{
	struct svmgpu_command command = {
		.op = SVMGPU_CMD_AS_SET,
		.id = vm->asid,
		.arg[0] = svmgpu_pt_root_paddr(vm),
		.arg[1] = vm->flags & SVMGPU_VM_SCRATCH ? SVMGPU_AS_SCRATCH : 0,
	};

	return svmgpu_command_run(vm->dev, &command);
}

static int vm_asid_alloc(struct svmgpu_vm *vm)
{
	struct svmgpu_device *dev = vm->dev;
	int err;

	svmgpu_down_write(&dev->asid_lock);
	err = xa_alloc(&dev->asids, &vm->asid, vm, XA_LIMIT(1, SVMGPU_MAX_ASIDS - 1),
		       GFP_KERNEL);
	svmgpu_up_write(&dev->asid_lock);
	if (err) {
		vm->asid = 0;
		return err == -EBUSY ? -ENOSPC : err;
	}
	return vm_as_set(vm);
}

static void vm_asid_free(struct svmgpu_vm *vm)
{
	struct svmgpu_device *dev = vm->dev;
	struct svmgpu_command command = { .op = SVMGPU_CMD_AS_CLEAR, .id = vm->asid };

	if (!vm->asid)
		return;
	/* a lost device forgot it already */
	svmgpu_command_run(dev, &command);
	svmgpu_down_write(&dev->asid_lock);
	xa_erase(&dev->asids, vm->asid);
	svmgpu_up_write(&dev->asid_lock);
}

/**
 * svmgpu_vms_reset() - tells a freshly reset GPU about every address space
 * @dev: the GPU
 *
 * Context: may sleep; nothing runs on the GPU.
 */
void svmgpu_vms_reset(struct svmgpu_device *dev)
{
	struct svmgpu_vm *vm;
	unsigned long asid;

	svmgpu_down_read(&dev->asid_lock);
	xa_for_each(&dev->asids, asid, vm)
		if (vm->pt.root)
			vm_as_set(vm);
	svmgpu_up_read(&dev->asid_lock);
}

/* --- look-up --------------------------------------------------------------------- */

/**
 * svmgpu_vm_lookup() - by the handle of a file
 * @file: the file
 * @id: handle
 *
 * Context: any process context.
 *
 * Return: a reference, or NULL.
 */
struct svmgpu_vm *svmgpu_vm_lookup(struct svmgpu_file *file, u32 id)
{
	struct svmgpu_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		svmgpu_vm_get(vm);
	xa_unlock(&file->vms);
	return vm;
}

/**
 * svmgpu_vm_lookup_asid() - by the number that the hardware uses
 * @dev: the GPU
 * @asid: address-space id
 *
 * Context: may sleep; no VM lock held.
 *
 * Return: a reference, or NULL.
 */
struct svmgpu_vm *svmgpu_vm_lookup_asid(struct svmgpu_device *dev, u32 asid)
{
	struct svmgpu_vm *vm;

	svmgpu_down_read(&dev->asid_lock);
	vm = xa_load(&dev->asids, asid);
	/* its entry stays until the hardware has forgotten it, its references do not */
	if (vm && !kref_get_unless_zero(&vm->gpuvm.kref))
		vm = NULL;
	svmgpu_up_read(&dev->asid_lock);
	return vm;
}

/* --- faults that were not served -------------------------------------------------- */

/**
 * svmgpu_vm_record_fault() - remembers a bad access for VM_GET_PROPERTY
 * @vm: the VM
 * @fault: the access
 *
 * Context: any.
 */
void svmgpu_vm_record_fault(struct svmgpu_vm *vm, const struct svmgpu_vm_fault *fault)
{
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&vm->faults_lock, flags);
	if (vm->num_faults < SVMGPU_VM_MAX_FAULTS)
		vm->faults[vm->num_faults++] = *fault;
	svmgpu_spin_unlock_irqrestore(&vm->faults_lock, flags);
}

static void vm_fault_to_user(const struct svmgpu_vm_fault *fault, struct xe_vm_fault *user)
{
	*user = (struct xe_vm_fault) {
		.address = sign_extend64(fault->addr, SVMGPU_VA_BITS - 1),
		.address_precision = PAGE_SIZE,
		.fault_level = fault->level,
	};
	switch (fault->access) {
	case SVMGPU_ACCESS_WRITE:
	case SVMGPU_ACCESS_FENCE:
		user->access_type = FAULT_ACCESS_TYPE_WRITE;
		break;
	case SVMGPU_ACCESS_ATOMIC:
		user->access_type = FAULT_ACCESS_TYPE_ATOMIC;
		break;
	default:
		user->access_type = FAULT_ACCESS_TYPE_READ;
		break;
	}
	switch (fault->reason) {
	case SVMGPU_FAULT_READ_ONLY:
		user->fault_type = FAULT_TYPE_WRITE_ACCESS;
		break;
	case SVMGPU_FAULT_NO_ATOMIC:
		user->fault_type = FAULT_TYPE_ATOMIC_ACCESS;
		break;
	default:
		user->fault_type = FAULT_TYPE_NOT_PRESENT;
		break;
	}
}

static int vm_get_faults(struct svmgpu_vm *vm, struct drm_xe_vm_get_property *args)
{
	struct xe_vm_fault *users;
	unsigned long flags;
	u32 count, i;
	int err = 0;

	svmgpu_spin_lock_irqsave(&vm->faults_lock, flags);
	count = vm->num_faults;
	svmgpu_spin_unlock_irqrestore(&vm->faults_lock, flags);

	if (!args->size) {
		args->size = count * sizeof(*users);
		return 0;
	}
	/* there may be more by now than user space was told: it gets what it asks for */
	if (args->size > count * sizeof(*users) || args->size % sizeof(*users))
		return -EINVAL;
	count = args->size / sizeof(*users);
	users = kcalloc(count, sizeof(*users), GFP_KERNEL);
	if (!users)
		return -ENOMEM;
	/* entries are only ever appended */
	for (i = 0; i < count; i++)
		vm_fault_to_user(&vm->faults[i], &users[i]);
	if (copy_to_user(u64_to_user_ptr(args->data), users, args->size))
		err = -EFAULT;
	kfree(users);
	return err;
}

/**
 * svmgpu_vm_get_property_ioctl() - DRM_IOCTL_XE_VM_GET_PROPERTY
 * @drm: the device
 * @data: struct drm_xe_vm_get_property
 * @file: the file
 *
 * Return: 0, -EINVAL, -ENOENT, -ENOMEM, -EFAULT.
 */
int svmgpu_vm_get_property_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_xe_vm_get_property *args = data;
	struct svmgpu_vm *vm;
	int err = -EINVAL;

	if (args->extensions || args->pad || args->reserved[0] || args->reserved[1] ||
	    args->reserved[2])
		return -EINVAL;
	vm = svmgpu_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -ENOENT;
	if (args->property == DRM_XE_VM_GET_PROPERTY_FAULTS)
		err = vm_get_faults(vm, args);
	svmgpu_vm_put(vm);
	return err;
}

/* --- close and destroy ------------------------------------------------------------ */

static void vm_destroy_work(struct work_struct *work)
{
	struct svmgpu_vm *vm = container_of(work, struct svmgpu_vm, destroy_work);
	struct svmgpu_device *dev = vm->dev;

	if (vm->bind_queue)
		svmgpu_exec_queue_put(vm->bind_queue);
	vm_asid_free(vm);
	svmgpu_bind_forget(vm);
	svmgpu_pt_fini(vm);
	ttm_lru_bulk_move_fini(&dev->ttm, &vm->lru);
	trace_svmgpu_vm_destroyed(vm->trace_id, dev->caps.gpu_index, 0, vm->asid, 0);
	kfree(vm->faults);
	kfree(vm);
	drm_dev_put(&dev->drm);
}

/* Empties the partition and the page tables. VM lock held for write. */
static void vm_empty(struct svmgpu_vm *vm)
{
	struct svmgpu_vma *vma, *next_vma;
	struct drm_gpuva *gpuva, *next;
	struct svmgpu_validation v;
	LIST_HEAD(gone);
	int err;

	svmgpu_validation_init(&v, vm->dev, DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = vm;
	svmgpu_validation_begin(&v);
	drm_exec_until_all_locked(&v.exec) {
		do {
			err = svmgpu_vm_lock_pass(vm, &v, 0);
			/* out of memory for the list of locked objects; there is no way back */
		} while (err == -ENOMEM);
		drm_exec_retry_on_contention(&v.exec);
	}
	svmgpu_validation_traced(&v);

	/* jobs and page-table jobs; all of them end without our help */
	dma_resv_wait_timeout(svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	svmgpu_notifier_lock_write(&vm->svm.gpusvm);
	svmgpu_pt_clear(vm);
	svmgpu_notifier_unlock_write(&vm->svm.gpusvm);
	svmgpu_tlb_flush(vm->dev, vm->asid, 0, ~0ULL);
	svmgpu_pt_free_deferred(vm);

	drm_gpuvm_for_each_va_safe(gpuva, next, &vm->gpuvm) {
		vma = gpuva_to_vma(gpuva);
		svmgpu_vma_trace(vma, false);
		drm_gpuva_remove(gpuva);
		svmgpu_vma_unlink(vma);
		list_add_tail(&vma->op_link, &gone);
	}
	svmgpu_validation_end(&v);

	list_for_each_entry_safe(vma, next_vma, &gone, op_link) {
		list_del_init(&vma->op_link);
		svmgpu_vma_destroy(vma, NULL);
	}
}

/**
 * svmgpu_vm_close() - ends the use of a VM
 * @vm: the VM; the caller's reference stays
 *
 * Context: no lock held; may sleep.
 */
void svmgpu_vm_close(struct svmgpu_vm *vm)
{
	svmgpu_down_write(&vm->lock);
	svmgpu_notifier_lock_write(&vm->svm.gpusvm);
	vm->closed = true;
	svmgpu_notifier_unlock_write(&vm->svm.gpusvm);
	svmgpu_up_write(&vm->lock);

	/* it takes the VM lock, sees that the VM is closed, and drops its reference */
	flush_work(&vm->preempt.rebind_work);
	svmgpu_svm_close(vm);

	svmgpu_down_write(&vm->lock);
	vm_empty(vm);
	svmgpu_svm_fini(vm);
	vm->file = NULL;
	svmgpu_up_write(&vm->lock);
}

/**
 * svmgpu_vm_ban() - an error left the VM unusable
 * @vm: the VM, lock held
 *
 * Context: no resv held; may sleep.
 */
void svmgpu_vm_ban(struct svmgpu_vm *vm)
{
	struct svmgpu_exec_queue *queue;

	WRITE_ONCE(vm->banned, true);
	svmgpu_resv_lock(svmgpu_vm_resv(vm), SVMGPU_LOCK_VM_RESV, vm->trace_id, 0);
	list_for_each_entry(queue, &vm->preempt.queues, vm_link)
		svmgpu_exec_queue_ban(queue);
	svmgpu_vm_resv_unlock(vm);
}

/* --- creation ----------------------------------------------------------------------- */

static u16 vm_trace_flags(const struct svmgpu_vm *vm)
{
	return (svmgpu_vm_in_fault_mode(vm) ? SVMGPU_TRACE_VM_FAULT_MODE : 0) |
	       (svmgpu_vm_in_lr_mode(vm) ? SVMGPU_TRACE_VM_LONG_RUNNING : 0);
}

static void vm_init(struct svmgpu_vm *vm, struct svmgpu_device *dev, struct svmgpu_file *file,
		    u32 flags)
{
	vm->dev = dev;
	vm->file = file;
	vm->flags = flags;
	vm->trace_id = svmgpu_trace_new_id();
	vm->pt.dma = dev->drm.dev;
	vm->range_fences.tree = RB_ROOT_CACHED;
	init_llist_head(&vm->range_fences.done);
	svmgpu_rwsem_init(&vm->lock, SVMGPU_LOCK_VM);
	svmgpu_lock_set_owner(&vm->lock, dev->caps.gpu_index, vm->trace_id);
	svmgpu_spin_lock_init(&vm->userptr.invalidated_lock, SVMGPU_LOCK_USERPTR_LIST);
	svmgpu_lock_set_owner(&vm->userptr.invalidated_lock, dev->caps.gpu_index, vm->trace_id);
	INIT_LIST_HEAD(&vm->userptr.invalidated);
	INIT_LIST_HEAD(&vm->userptr.repin);
	svmgpu_spin_lock_init(&vm->faults_lock, SVMGPU_LOCK_VM_FAULTS);
	svmgpu_lock_set_owner(&vm->faults_lock, dev->caps.gpu_index, vm->trace_id);
	INIT_WORK(&vm->destroy_work, vm_destroy_work);
	ttm_lru_bulk_move_init(&vm->lru);
	svmgpu_rebind_init(vm);
}

static struct svmgpu_vm *vm_create(struct svmgpu_device *dev, struct svmgpu_file *file, u32 flags)
{
	struct drm_gem_object *resv_obj;
	struct svmgpu_vm *vm;
	int err;

	vm = kzalloc_obj(*vm, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm_init(vm, dev, file, flags);
	vm->faults = kcalloc(SVMGPU_VM_MAX_FAULTS, sizeof(*vm->faults), GFP_KERNEL_ACCOUNT);
	if (!vm->faults) {
		err = -ENOMEM;
		goto err_vm;
	}
	err = svmgpu_pt_init(vm);
	if (err)
		goto err_faults;
	err = svmgpu_svm_init(vm);
	if (err)
		goto err_pt;
	resv_obj = drm_gpuvm_resv_object_alloc(&dev->drm);
	if (!resv_obj) {
		err = -ENOMEM;
		goto err_svm;
	}
	drm_dev_get(&dev->drm);
	drm_gpuvm_init(&vm->gpuvm, "svmgpu", DRM_GPUVM_RESV_PROTECTED, &dev->drm, resv_obj, 0,
		       SVMGPU_VM_SIZE, 0, 0, &svmgpu_gpuvm_ops);
	drm_gem_object_put(resv_obj);

	/* from here on closing and dropping the reference undoes everything */
	err = vm_asid_alloc(vm);
	if (err)
		goto err_close;
	vm->bind_queue = svmgpu_exec_queue_create_bind(dev, vm, true);
	if (IS_ERR(vm->bind_queue)) {
		err = PTR_ERR(vm->bind_queue);
		vm->bind_queue = NULL;
		goto err_close;
	}
	trace_svmgpu_vm_created(vm->trace_id, dev->caps.gpu_index, vm_trace_flags(vm), vm->asid,
				current->tgid);
	return vm;

err_close:
	svmgpu_vm_close(vm);
	svmgpu_vm_put(vm);
	return ERR_PTR(err);
err_svm:
	svmgpu_svm_close(vm);
	svmgpu_svm_fini(vm);
err_pt:
	svmgpu_pt_fini(vm);
err_faults:
	kfree(vm->faults);
err_vm:
	kfree(vm);
	return ERR_PTR(err);
}

/**
 * svmgpu_vm_check_create() - the arguments of VM_CREATE
 * @args: as user space gave them
 * @vm_flags: SVMGPU_VM_*
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_vm_check_create(const struct drm_xe_vm_create *args, u32 *vm_flags)
{
	const u32 flags = args->flags;

	if (args->extensions || args->reserved[0] || args->reserved[1] ||
	    flags & ~VM_CREATE_FLAGS)
		return -EINVAL;
	if (flags & DRM_XE_VM_CREATE_FLAG_FAULT_MODE && !(flags & DRM_XE_VM_CREATE_FLAG_LR_MODE))
		return -EINVAL;
	if (flags & DRM_XE_VM_CREATE_FLAG_NO_VM_OVERCOMMIT &&
	    !(flags & DRM_XE_VM_CREATE_FLAG_FAULT_MODE))
		return -EINVAL;

	*vm_flags = 0;
	if (flags & DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE)
		*vm_flags |= SVMGPU_VM_SCRATCH;
	if (flags & DRM_XE_VM_CREATE_FLAG_LR_MODE)
		*vm_flags |= SVMGPU_VM_LR;
	if (flags & DRM_XE_VM_CREATE_FLAG_FAULT_MODE)
		*vm_flags |= SVMGPU_VM_FAULT;
	if (flags & DRM_XE_VM_CREATE_FLAG_NO_VM_OVERCOMMIT)
		*vm_flags |= SVMGPU_VM_NO_OVERCOMMIT;
	return 0;
}

/**
 * svmgpu_vm_create_ioctl() - DRM_IOCTL_XE_VM_CREATE
 * @drm: the device
 * @data: struct drm_xe_vm_create
 * @file: the file
 *
 * Return: 0, -EINVAL, -ENOMEM, -ENOSPC (address-space ids), -ENODEV.
 */
int svmgpu_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct svmgpu_file *sfile = file->driver_priv;
	struct drm_xe_vm_create *args = data;
	struct svmgpu_vm *vm;
	u32 vm_flags, id;
	int err;

	if (svmgpu_device_wedged(dev))
		return -ECANCELED;
	err = svmgpu_vm_check_create(args, &vm_flags);
	if (err)
		return err;

	vm = vm_create(dev, sfile, vm_flags);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	/* last: from here on user space can destroy it */
	err = xa_alloc(&sfile->vms, &id, vm, xa_limit_31b, GFP_KERNEL);
	if (err) {
		svmgpu_vm_close(vm);
		svmgpu_vm_put(vm);
		return err;
	}
	args->vm_id = id;
	return 0;
}

/**
 * svmgpu_vm_destroy_ioctl() - DRM_IOCTL_XE_VM_DESTROY
 * @drm: the device
 * @data: struct drm_xe_vm_destroy
 * @file: the file
 *
 * Return: 0, -EINVAL, -ENOENT, -EBUSY: long-running queues use it.
 */
int svmgpu_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_file *sfile = file->driver_priv;
	struct drm_xe_vm_destroy *args = data;
	struct svmgpu_vm *vm;
	int err = 0;

	if (args->pad || args->reserved[0] || args->reserved[1])
		return -EINVAL;

	xa_lock(&sfile->vms);
	vm = xa_load(&sfile->vms, args->vm_id);
	if (!vm)
		err = -ENOENT;
	else if (READ_ONCE(vm->preempt.num_queues))
		err = -EBUSY;
	else
		__xa_erase(&sfile->vms, args->vm_id);
	xa_unlock(&sfile->vms);
	if (err)
		return err;

	svmgpu_vm_close(vm);
	svmgpu_vm_put(vm);
	return 0;
}
