// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbell zoo of the lab: gives a vdpa_sim device a notification area of a chosen layout.
 *
 * images/kernel.sh includes this file into drivers/vdpa/vdpa_sim/vdpa_sim.c of the lab's own kernel and makes
 * zoo_get_vq_notification and zoo_free part of both config ops. Unlike the rest of the repository it is under the
 * kernel's licence, and it is no part of the package.
 *
 *   echo NAME=LAYOUT > /sys/module/vdpa_sim/parameters/zoo      before or after the device of that name is made
 *   cat /sys/module/vdpa_sim/parameters/zoo                     NAME LAYOUT stores=N changed=BYTES, a line a device
 *
 * The areas are ordinary memory filled with a pattern, so a store to a doorbell is seen: changed counts the bytes that
 * are not the pattern. While the driver is up, a poll does what a real device does with a store: it serves the
 * virtqueues. It also counts it in stores and restores the pattern. Nobody else may write there, so a test can tell
 * that a probe never does, and that a guest's packets moved because of stores and not of kick calls.
 * Mapped uncached here and cached in the kernel: that is only fine because emulated CPUs have no caches.
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_ids.h>

#define ZOO_BAR SZ_64K
#define ZOO_PATTERN 0xa5
#define ZOO_REGISTER 0x5a
#define ZOO_POLL_MS 10

enum zoo_layout {
	ZOO_NONE,	/* no area */
	ZOO_PAGE,	/* a host page per virtqueue */
	ZOO_PAGE_DATA,	/* the same, but none for the control virtqueue */
	ZOO_2BYTE,
	ZOO_4BYTE,
	ZOO_4K,		/* 4096 bytes per virtqueue, whatever the host's page size */
	ZOO_SHARED,	/* one host page for all data virtqueues, none for the control virtqueue, as mlx5_vdpa has it */
	ZOO_REGISTERS,	/* as ZOO_PAGE, but the second half of each page is other registers: the kernel cannot know */
	ZOO_BAR_END,	/* the last 4096 bytes of a BAR of 64 KiB, for all virtqueues */
	ZOO_BIG,	/* two host pages per virtqueue */
	ZOO_MIXED,	/* page, unaligned 4 bytes, none, and again */
};

static const char * const zoo_names[] = {
	[ZOO_NONE] = "none",
	[ZOO_PAGE] = "page",
	[ZOO_PAGE_DATA] = "page-data",
	[ZOO_2BYTE] = "2byte",
	[ZOO_4BYTE] = "4byte",
	[ZOO_4K] = "4k",
	[ZOO_SHARED] = "shared",
	[ZOO_REGISTERS] = "registers",
	[ZOO_BAR_END] = "bar-end",
	[ZOO_BIG] = "big",
	[ZOO_MIXED] = "mixed",
};

struct zoo_device {
	struct list_head list;
	char name[64];
	enum zoo_layout layout;
	u8 *area;
	size_t size;
	/* since the area was first asked for, until the device is freed */
	struct vdpasim *sim;
	unsigned long stores;
};

static LIST_HEAD(zoo_devices);
static DEFINE_MUTEX(zoo_lock);

static void zoo_poll(struct work_struct *work);
static DECLARE_DELAYED_WORK(zoo_work, zoo_poll);

static struct zoo_device *zoo_find(const char *name)
{
	struct zoo_device *zoo;

	list_for_each_entry(zoo, &zoo_devices, list)
		if (!strcmp(zoo->name, name))
			return zoo;
	return NULL;
}

static u8 zoo_fill(const struct zoo_device *zoo, size_t at)
{
	bool other = zoo->layout == ZOO_REGISTERS && at % PAGE_SIZE >= PAGE_SIZE / 2;

	return other ? ZOO_REGISTER : ZOO_PATTERN;
}

/* The size of a virtqueue's doorbell area, 0 for none; where is its offset in the device's memory. */
static size_t zoo_doorbell(const struct zoo_device *zoo, unsigned int idx, size_t *where)
{
	bool control = zoo->sim->dev_attr.id == VIRTIO_ID_NET && idx == 2;
	size_t size = 0;

	*where = 0;
	switch (zoo->layout) {
	case ZOO_NONE:
		return 0;
	case ZOO_SHARED:
		return control ? 0 : PAGE_SIZE;
	case ZOO_BAR_END:
		*where = ZOO_BAR - SZ_4K;
		return SZ_4K;
	case ZOO_MIXED:
		*where = idx * PAGE_SIZE + (idx % 3 == 1 ? 4 : 0);
		return idx % 3 == 0 ? PAGE_SIZE : idx % 3 == 1 ? 4 : 0;
	case ZOO_PAGE_DATA:
		size = control ? 0 : PAGE_SIZE;
		break;
	case ZOO_PAGE:
	case ZOO_REGISTERS:
		size = PAGE_SIZE;
		break;
	case ZOO_2BYTE:
		size = 2;
		break;
	case ZOO_4BYTE:
		size = 4;
		break;
	case ZOO_4K:
		size = SZ_4K;
		break;
	case ZOO_BIG:
		size = 2 * PAGE_SIZE;
		break;
	}
	*where = idx * size;
	return size;
}

/* Memory is never given back: a layout may change while a page of it is mapped. */
static int zoo_allocate(struct zoo_device *zoo)
{
	size_t size = roundup_pow_of_two(max_t(size_t, ZOO_BAR, 2 * PAGE_SIZE * zoo->sim->dev_attr.nvqs));
	size_t at;

	if (zoo->area)
		return size <= zoo->size ? 0 : -ENOSPC;
	/* a power of two of pages is aligned to its size */
	zoo->area = (u8 *)__get_free_pages(GFP_KERNEL, get_order(size));
	if (!zoo->area)
		return -ENOMEM;
	zoo->size = size;
	for (at = 0; at < size; at++)
		zoo->area[at] = zoo_fill(zoo, at);
	return 0;
}

static struct vdpa_notification_area zoo_get_vq_notification(struct vdpa_device *vdpa, u16 idx)
{
	struct vdpasim *sim = vdpa_to_sim(vdpa);
	struct vdpa_notification_area area = {};
	struct zoo_device *zoo;
	size_t where;

	/* kernels without the fix of CVE-2026-74312 ask for any index */
	if (idx >= sim->dev_attr.nvqs)
		return area;
	mutex_lock(&zoo_lock);
	zoo = zoo_find(dev_name(&vdpa->dev));
	if (zoo) {
		zoo->sim = sim;
		if (!zoo_allocate(zoo)) {
			area.size = zoo_doorbell(zoo, idx, &where);
			area.addr = area.size ? __pa(zoo->area) + where : 0;
		}
		/* nothing is stored without a mapping, and a mapping begins here: with mmap and with its first fault */
		schedule_delayed_work(&zoo_work, msecs_to_jiffies(ZOO_POLL_MS));
	}
	mutex_unlock(&zoo_lock);
	return area;
}

/* Takes a store to a virtqueue's doorbell. What is stored is at least the virtqueue's number, two bytes. */
static bool zoo_take_store(struct zoo_device *zoo, unsigned int idx)
{
	size_t where, at, size = min_t(size_t, zoo_doorbell(zoo, idx, &where), 4);
	bool stored = false;

	for (at = where; at < where + size; at++) {
		if (READ_ONCE(zoo->area[at]) == zoo_fill(zoo, at))
			continue;
		WRITE_ONCE(zoo->area[at], zoo_fill(zoo, at));
		stored = true;
	}
	zoo->stores += stored;
	return stored;
}

static void zoo_poll(struct work_struct *work)
{
	struct zoo_device *zoo;
	bool again = false;
	int idx, kick;

	mutex_lock(&zoo_lock);
	list_for_each_entry(zoo, &zoo_devices, list) {
		struct vdpasim *sim = zoo->sim;
		u32 status = sim && zoo->area ? READ_ONCE(sim->status) : 0;

		again |= status != 0;
		/* suspended: the doorbell keeps the store until the device is resumed */
		if (!(status & VIRTIO_CONFIG_S_DRIVER_OK) || !READ_ONCE(sim->running))
			continue;
		/* the simulator's work serves all virtqueues, so whose doorbell it was does not matter */
		for (idx = 0; idx < sim->dev_attr.nvqs; idx++)
			if (zoo_take_store(zoo, idx))
				for (kick = 0; kick < sim->dev_attr.nvqs; kick++)
					vdpasim_kick_vq(&sim->vdpa, kick);
	}
	mutex_unlock(&zoo_lock);
	if (again)
		schedule_delayed_work(&zoo_work, msecs_to_jiffies(ZOO_POLL_MS));
}

static void zoo_free(struct vdpa_device *vdpa)
{
	struct zoo_device *zoo;

	mutex_lock(&zoo_lock);
	list_for_each_entry(zoo, &zoo_devices, list)
		if (zoo->sim == vdpa_to_sim(vdpa))
			zoo->sim = NULL;
	mutex_unlock(&zoo_lock);
	vdpasim_free(vdpa);
}

static int zoo_set(const char *text, const struct kernel_param *param)
{
	const char *equals = strchr(text, '=');
	struct zoo_device *zoo;
	char name[sizeof(zoo->name)];
	size_t at;
	int layout;

	if (!equals || equals == text || equals - text >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, equals - text);
	name[equals - text] = '\0';
	layout = sysfs_match_string(zoo_names, equals + 1);
	if (layout < 0)
		return layout;

	mutex_lock(&zoo_lock);
	zoo = zoo_find(name);
	if (!zoo) {
		zoo = kzalloc(sizeof(*zoo), GFP_KERNEL);
		if (zoo) {
			strcpy(zoo->name, name);
			list_add_tail(&zoo->list, &zoo_devices);
		}
	}
	if (zoo) {
		zoo->layout = layout;
		zoo->stores = 0;
		for (at = 0; at < zoo->size; at++)
			zoo->area[at] = zoo_fill(zoo, at);
	}
	mutex_unlock(&zoo_lock);
	return zoo ? 0 : -ENOMEM;
}

static int zoo_get(char *text, const struct kernel_param *param)
{
	struct zoo_device *zoo;
	int length = 0;

	mutex_lock(&zoo_lock);
	list_for_each_entry(zoo, &zoo_devices, list) {
		size_t at, changed = 0;

		for (at = 0; at < zoo->size; at++)
			changed += READ_ONCE(zoo->area[at]) != zoo_fill(zoo, at);
		length += scnprintf(text + length, PAGE_SIZE - length, "%s %s stores=%lu changed=%zu\n", zoo->name,
				    zoo_names[zoo->layout], zoo->stores, changed);
	}
	mutex_unlock(&zoo_lock);
	return length;
}

static const struct kernel_param_ops zoo_ops = { .set = zoo_set, .get = zoo_get };
module_param_cb(zoo, &zoo_ops, NULL, 0600);
