// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects shared by dma-buf: between the GPUs, where VRAM stays VRAM and the fabric
 * carries the accesses, and with exporters and importers that know nothing of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "bo.h"
#include "client.h"
#include "device.h"
#include "subtest.h"

#define BYTES		(1ull << 20)
#define ADDRESS		(1ull << 32)
#define VALUE		0x5eed0001

/* The dma-buf of an object; the object stays. */
static int export(int fd, uint32_t handle)
{
	int dmabuf, err = drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf);

	check_that(!err, "export: %s", strerror(errno));

	return dmabuf;
}

/* An object of @fd over the dma-buf, which is closed. */
static struct bo import(int fd, int dmabuf, uint64_t bytes)
{
	struct bo bo = { .fd = fd, .bytes = bytes };
	int err = drmPrimeFDToHandle(fd, dmabuf, &bo.handle);

	check_that(!err, "import: %s", strerror(errno));
	close(dmabuf);

	return bo;
}

/* The GPU stores into the first and the last dword of the mapped object, and reads them back. */
static void use(struct client *client, uint32_t value)
{
	client_write(client, ADDRESS, value);
	client_write(client, ADDRESS + BYTES - 4, value + 1);
	check_eq(client_read(client, ADDRESS), value);
	check_eq(client_read(client, ADDRESS + BYTES - 4), value + 1);
}

static void check_memory(const uint32_t *memory, uint32_t value)
{
	check_eq(memory[0], value);
	check_eq(memory[BYTES / 4 - 1], value + 1);
}

/* --- between the GPUs --------------------------------------------------------- */

static void peer_vram(void)
{
	struct client owner, peer;
	struct bo bo, shared;
	uint64_t used;

	client_open(&owner, 0, 0);
	client_open(&peer, 1, 0);
	bo = bo_create(owner.fd, NULL, BYTES, BO_VRAM);
	vm_map(&owner.vm, ADDRESS, &bo);
	client_write(&owner, ADDRESS, VALUE);
	used = device_vram_used(owner.fd);

	shared = import(peer.fd, export(owner.fd, bo.handle), BYTES);
	vm_map(&peer.vm, ADDRESS, &shared);
	check_eq(client_read(&peer, ADDRESS), VALUE);
	use(&peer, VALUE + 10);
	check_memory(bo_map(&bo), VALUE + 10);
	check_eq(client_read(&owner, ADDRESS), VALUE + 10);
	check_that(device_vram_used(owner.fd) >= used, "the shared object has left VRAM");

	client_close(&peer);
	client_close(&owner);
}

static void outlives_exporter(void)
{
	struct client owner, peer;
	struct bo bo, shared;

	client_open(&owner, 0, 0);
	client_open(&peer, 1, 0);
	bo = bo_create(owner.fd, NULL, BYTES, BO_VRAM);
	shared = import(peer.fd, export(owner.fd, bo.handle), BYTES);
	vm_map(&owner.vm, ADDRESS, &bo);
	use(&owner, VALUE);
	client_close(&owner);

	vm_map(&peer.vm, ADDRESS, &shared);
	check_eq(client_read(&peer, ADDRESS), VALUE);
	use(&peer, VALUE + 10);
	client_close(&peer);
}

/* Pressure on the exporter's VRAM: the importer loses its addresses and finds the object again. */
static void moves_under_importer(void)
{
	struct client owner, peer;
	struct bo bo, shared, filler;
	uint64_t vram, filled = 0;

	client_open(&owner, 0, 0);
	client_open(&peer, 1, 0);
	vram = device_vram_bytes(owner.fd);
	bo = bo_create(owner.fd, NULL, BYTES, BO_ANY);
	shared = import(peer.fd, export(owner.fd, bo.handle), BYTES);
	vm_map(&peer.vm, ADDRESS, &shared);
	use(&peer, VALUE);

	for (; filled < vram - (8 << 20); filled += filler.bytes) {
		filler = bo_create(owner.fd, NULL, 8 << 20, BO_VRAM);
		memset(bo_map(&filler), 0xaa, 4096);
	}
	check_eq(client_read(&peer, ADDRESS), VALUE);
	use(&peer, VALUE + 10);
	check_memory(bo_map(&bo), VALUE + 10);

	client_close(&peer);
	client_close(&owner);
}

/* --- with others --------------------------------------------------------------- */

static void udmabuf_import(void)
{
	struct client client;
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = BYTES };
	uint32_t *memory;
	struct bo bo;
	int dmabuf, device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	if (device < 0)
		subtest_skip("/dev/udmabuf: %s", strerror(errno));
	create.memfd = memfd_create("prime", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	check_eq(ftruncate(create.memfd, BYTES), 0);
	check_eq(fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, create.memfd, 0);
	check(memory != MAP_FAILED);
	dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	check_that(dmabuf >= 0, "UDMABUF_CREATE: %s", strerror(errno));

	client_open(&client, 0, 0);
	bo = import(client.fd, dmabuf, BYTES);
	vm_map(&client.vm, ADDRESS, &bo);
	memory[0] = VALUE;
	check_eq(client_read(&client, ADDRESS), VALUE);
	use(&client, VALUE + 10);
	check_memory(memory, VALUE + 10);
	client_close(&client);
	check_memory(memory, VALUE + 10);
}

static int open_vgem(void)
{
	int fd;

	/* not every kernel has it; whether it is there is told below */
	if (system("modprobe -q vgem"))
		subtest_info("modprobe finds no vgem");
	fd = drmOpen("vgem", NULL);
	if (fd < 0)
		subtest_skip("there is no vgem device: %s", strerror(errno));

	return fd;
}

static void vgem_import(void)
{
	struct drm_mode_create_dumb dumb = { .width = BYTES / 4096, .height = 1024, .bpp = 32 };
	struct drm_mode_map_dumb offset = { };
	struct client client;
	uint32_t *memory;
	struct bo bo;
	int vgem = open_vgem();

	check_eq(device_ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	check_eq(dumb.size, BYTES);
	offset.handle = dumb.handle;
	check_eq(device_ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &offset), 0);
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, offset.offset);
	check(memory != MAP_FAILED);

	client_open(&client, 0, 0);
	bo = import(client.fd, export(vgem, dumb.handle), BYTES);
	vm_map(&client.vm, ADDRESS, &bo);
	memory[0] = VALUE;
	check_eq(client_read(&client, ADDRESS), VALUE);
	use(&client, VALUE + 10);
	check_memory(memory, VALUE + 10);
	client_close(&client);
}

/* Who cannot reach VRAM gets the object in system memory. */
static void vgem_export(void)
{
	struct client client;
	uint32_t *memory;
	struct bo bo;
	int dmabuf, vgem = open_vgem();

	client_open(&client, 0, 0);
	bo = bo_create(client.fd, NULL, BYTES, BO_ANY);
	vm_map(&client.vm, ADDRESS, &bo);
	use(&client, VALUE);

	dmabuf = export(client.fd, bo.handle);
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	check_that(memory != MAP_FAILED, "mmap of the dma-buf: %s", strerror(errno));
	import(vgem, dmabuf, BYTES);
	check_memory(memory, VALUE);
	memory[0] = VALUE + 20;
	check_eq(client_read(&client, ADDRESS), VALUE + 20);
	client_close(&client);
}

static const struct subtest subtests[] = {
	{ "peer-vram", peer_vram,
	  "a GPU uses an object in the VRAM of the other, where it stays" },
	{ "outlives-exporter", outlives_exporter,
	  "an imported object lives on when its exporter's file is closed" },
	{ "moves-under-importer", moves_under_importer,
	  "an object that is evicted from VRAM is found again by who imported it" },
	{ "udmabuf-import", udmabuf_import,
	  "a GPU uses the memory of a process that comes as a dma-buf" },
	{ "vgem-import", vgem_import, "a GPU uses an object of another driver" },
	{ "vgem-export", vgem_export, "another driver uses an object of a GPU" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Objects shared by dma-buf.", subtests);
}
