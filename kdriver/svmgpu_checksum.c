// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums of pages that are copied; see svmgpu_checksum.h.
 */
#include <linux/bitops.h>
#include <linux/dma-direct.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "svmgpu_checksum.h"
#include "svmgpu_device.h"
#include "svmgpu_pte.h"

static bool svm_checksum;
module_param(svm_checksum, bool, 0644);
MODULE_PARM_DESC(svm_checksum, "record checksums of SVM pages before and after each copy; slow (default off)");

/**
 * svmgpu_checksum_wanted() - whether copies are to be checked
 *
 * Return: the module parameter, which may change at any time.
 */
bool svmgpu_checksum_wanted(void)
{
	return READ_ONCE(svm_checksum);
}

/* Depends on the order of the words, and is not 0 for any of them. */
static u64 mix(u64 sum, u64 word)
{
	sum = rol64(sum ^ word, 29) * 0x9e3779b97f4a7c15ULL;
	return sum ?: 1;
}

static u64 mix_words(u64 sum, const u64 *words, u32 bytes)
{
	u32 i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		sum = mix(sum, words[i]);
	return sum;
}

/* Where the CPU has a DMA address of @dev; NULL: nowhere. */
static struct page *dma_to_page(struct svmgpu_device *dev, u64 dma)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev->drm.dev);
	phys_addr_t phys = domain ? iommu_iova_to_phys(domain, dma) :
				    dma_to_phys(dev->drm.dev, dma);

	return pfn_valid(PHYS_PFN(phys)) ? pfn_to_page(PHYS_PFN(phys)) : NULL;
}

static bool add_system_page(struct svmgpu_device *dev, u64 *sum, u64 dma)
{
	struct page *page = dma_to_page(dev, dma);
	const u64 *words;

	if (!page)
		return false;
	words = kmap_local_page(page);
	*sum = mix_words(*sum, words, PAGE_SIZE);
	kunmap_local(words);
	return true;
}

static bool add_vram_page(struct svmgpu_device *dev, u64 *sum, u64 offset)
{
	u64 words[32];
	u32 done;

	if (svmgpu_device_wedged(dev) || offset + PAGE_SIZE > dev->caps.visible_bytes)
		return false;
	for (done = 0; done < PAGE_SIZE; done += sizeof(words)) {
		memcpy_fromio(words, dev->vram_io + offset + done, sizeof(words));
		*sum = mix_words(*sum, words, sizeof(words));
	}
	return true;
}

/**
 * svmgpu_checksum_add() - the next pages of a copy, in its order
 * @dev: the GPU that copies
 * @sum: so far; 0 at first
 * @paddr: first byte, as the copy engine has it (svmgpu_pte.h)
 * @bytes: whole pages
 *
 * Nobody may write there meanwhile. Reads system memory and what the CPU sees of
 * @dev's VRAM.
 *
 * Context: may sleep; allocates nothing.
 *
 * Return: true, or false when it cannot be read.
 */
bool svmgpu_checksum_add(struct svmgpu_device *dev, u64 *sum, u64 paddr, u64 bytes)
{
	u64 offset = SVMGPU_PADDR_OFFSET(paddr);
	bool read = true;

	for (; bytes && read; bytes -= PAGE_SIZE, offset += PAGE_SIZE) {
		switch (SVMGPU_PADDR_APERTURE(paddr)) {
		case SVMGPU_APERTURE_SYSTEM:
			read = add_system_page(dev, sum, offset);
			break;
		case SVMGPU_APERTURE_VRAM:
			read = add_vram_page(dev, sum, offset);
			break;
		default:
			read = false;
			break;
		}
		cond_resched();
	}
	return read;
}

/**
 * svmgpu_checksum_join() - one more copy of the same migration
 * @all: of the migration
 * @one: of the copy
 */
void svmgpu_checksum_join(struct svmgpu_checksum *all, const struct svmgpu_checksum *one)
{
	all->before = mix(all->before, one->before);
	all->after = mix(all->after, one->after);
}
