// SPDX-License-Identifier: GPL-2.0
/*
 * Copies without the copy engine, for a device that is lost: the CPU reaches its
 * VRAM behind BAR 2 as long as the driver is bound.
 */

#include <linux/dma-direct.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/sched.h>

#include <drm/drm_print.h>

#include "svmgpu_device.h"
#include "svmgpu_migrate.h"
#include "svmgpu_pte.h"

/* a piece of a page, on the stack */
#define CPU_COPY_BYTES	256u

/* Where the CPU has a DMA address of @dev; NULL: nowhere. */
static struct page *dma_to_page(struct svmgpu_device *dev, u64 dma)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev->drm.dev);
	phys_addr_t phys = domain ? iommu_iova_to_phys(domain, dma) :
				    dma_to_phys(dev->drm.dev, dma);

	return pfn_valid(PHYS_PFN(phys)) ? pfn_to_page(PHYS_PFN(phys)) : NULL;
}

static bool cpu_sees(struct svmgpu_device *dev, u64 offset, u32 bytes)
{
	return offset + bytes <= dev->caps.visible_bytes;
}

/* Reads @bytes within a page. False: the CPU does not reach them. */
static bool cpu_read(struct svmgpu_device *dev, u64 paddr, void *to, u32 bytes)
{
	const u64 offset = SVMGPU_PADDR_OFFSET(paddr);
	struct page *page;

	switch (SVMGPU_PADDR_APERTURE(paddr)) {
	case SVMGPU_APERTURE_SYSTEM:
		page = dma_to_page(dev, offset);
		if (!page)
			return false;
		memcpy_from_page(to, page, offset_in_page(offset), bytes);
		return true;
	case SVMGPU_APERTURE_VRAM:
		if (!cpu_sees(dev, offset, bytes))
			return false;
		memcpy_fromio(to, dev->vram_io + offset, bytes);
		return true;
	default:
		return false;
	}
}

static bool cpu_write(struct svmgpu_device *dev, u64 paddr, const void *from, u32 bytes)
{
	const u64 offset = SVMGPU_PADDR_OFFSET(paddr);
	struct page *page;

	switch (SVMGPU_PADDR_APERTURE(paddr)) {
	case SVMGPU_APERTURE_SYSTEM:
		page = dma_to_page(dev, offset);
		if (!page)
			return false;
		memcpy_to_page(page, offset_in_page(offset), from, bytes);
		return true;
	case SVMGPU_APERTURE_VRAM:
		if (!cpu_sees(dev, offset, bytes))
			return false;
		memcpy_toio(dev->vram_io + offset, from, bytes);
		return true;
	default:
		return false;
	}
}

/**
 * svmgpu_migrate_by_cpu() - carry out entries of a COPY or FILL list
 * @dev: the GPU; its copy engine does not work any more
 * @copy: COPY, else FILL
 * @entries: of the list
 * @count: how many
 * @value: FILL: the pattern
 *
 * What was in VRAM that the CPU does not see is lost and arrives as zeroes: the
 * pages must be given back all the same, or the device could never go. Process
 * context, allocates nothing.
 *
 * Return: 0, or -ENODEV when a destination cannot be reached.
 */
int svmgpu_migrate_by_cpu(struct svmgpu_device *dev, bool copy,
			  const struct svmgpu_mig_copy *entries, u32 count, u64 value)
{
	u8 piece[CPU_COPY_BYTES] __aligned(8);
	u64 lost = 0;
	u32 i;

	if (!copy)
		memset64((u64 *)piece, value, sizeof(piece) / sizeof(value));
	for (i = 0; i < count; i++) {
		u64 src = entries[i].src, dst = entries[i].dst, left = entries[i].bytes;

		while (left) {
			u32 bytes = min_t(u64, left, CPU_COPY_BYTES);

			/* neither side crosses a page */
			bytes = min_t(u32, bytes, PAGE_SIZE - offset_in_page(dst));
			if (copy) {
				bytes = min_t(u32, bytes, PAGE_SIZE - offset_in_page(src));
				if (!cpu_read(dev, src, piece, bytes)) {
					if (SVMGPU_PADDR_APERTURE(src) != SVMGPU_APERTURE_VRAM)
						return -ENODEV;
					memset(piece, 0, bytes);
					lost += bytes;
				}
			}
			if (!cpu_write(dev, dst, piece, bytes))
				return -ENODEV;
			src += bytes;
			dst += bytes;
			left -= bytes;
			if (!offset_in_page(dst))
				cond_resched();
		}
	}
	if (lost)
		drm_err(&dev->drm, "%llu KiB of VRAM are lost with the device\n", lost >> 10);
	return 0;
}
