/*
 * The guest of the migration cells: a virtio driver of our own that says all it knows.
 *
 * A multiboot program, 24 KiB, up in less time than firmware needs. It drives the first virtio-net function it finds, or
 * the first virtio-blk one, with the features it is told to want, and then without end: sends frames or reads sectors,
 * counts what comes back, and reads again what a guest reads once (device status, configuration, offered features,
 * CPUID). All counters lie in one page of guest memory (REPORT) and so travel with a migration; who watches reads them
 * by the monitor's `xp`, before and after. The only interrupt is the timer's, to sleep between two looks: a queue that
 * stands still has a device that stands still.
 *
 * Command line: want=HEX (features to accept of those offered), mac=HEX (set by the control virtqueue, 12 digits),
 * pairs=N (queue pairs to switch on), ring=N (buffers kept in flight), size=HEX (descriptors of a ring at most: a power of 2,
 * by default 256, which every vDPA device of the lab takes), silent=1 (a network card sends nothing until the power button
 * is pressed, so that no virtqueue has moved before).
 * Frames: broadcast (tag 1) and to our own first MAC (tag 2), each with a sequence number; a simulated device gives them
 * back. Then an ARP request for 10.0.2.2, which the network behind a real card answers.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct multiboot {
    u32 magic, flags, checksum;
};
__attribute__((section(".multiboot"), used, aligned(4))) static const struct multiboot header = {
    0x1badb002, 0, (u32) - (0x1badb002)};

#define REPORT ((volatile u32 *)0x400000)
/* Words of the report; migrate.ts reads them by these numbers. */
enum {
    MAGIC, PHASE, HEARTBEAT, ERROR,
    OFFERED, OFFERED_HIGH, NEGOTIATED, NEGOTIATED_HIGH,
    STATUS, STATUS_BAD, QUEUES, KIND,
    FIRST_CONFIG = 12, NOW_CONFIG = 20, /* mac, mac 4..5, mtu, link status, max pairs; of a disk: capacity in 0, 1 */
    FIRST_CPUID = 28, NOW_CPUID = 32,   /* leaf 1: eax, ecx, edx */
    NOW_OFFERED = 36, NOW_OFFERED_HIGH,
    RING_SIZE, CONTROL_SENT, CONTROL_ACCEPTED, CONTROL_REFUSED, CONTROL_PENDING,
    MULTIPLIER, BLK_READ, BLK_GOOD, BLK_WRONG, BLK_ERROR, BAR_LOW, DEVICE_ID, NOW_MAGIC,
    PAIR = 64 /* from here on the words of each pair */
};
/* SENT_BACK: one for each of three transmit buffers. STALE: receive buffers that others have overtaken for long. */
enum { SENT, SENT_BACK, RECEIVED = 4, RECEIVED_OWN, BAD_ID, DUPLICATE, LAST_SEQUENCE, ANSWERS, STALE, PAIR_WORDS = 12 };

enum { RING_MAX = 1024, PAIRS_MAX = 64, QUEUES_MAX = 2 * PAIRS_MAX + 1, BUFFER = 2048, FLIGHT_MAX = 32 };

struct descriptor {
    u64 address;
    u32 length;
    u16 flags, next;
};
struct queue {
    struct descriptor descriptors[RING_MAX];
    u16 available[RING_MAX + 4];
    u8 pad[4096];
    struct {
        u16 flags, index;
        struct {
            u32 id, length;
        } ring[RING_MAX];
    } used __attribute__((aligned(4096)));
    u16 size, next, seen;
    u32 doorbell;
    u8 flying[FLIGHT_MAX];
    u32 returned[FLIGHT_MAX];
} __attribute__((aligned(4096)));

static struct queue queues[QUEUES_MAX];
static u8 buffers[QUEUES_MAX][FLIGHT_MAX][BUFFER] __attribute__((aligned(4096)));
static u8 stack[16384] __attribute__((aligned(16), used));
static u32 common, device_config, notify_base, multiplier, flight = 16, size_wanted = 256;

static u32 in32(u16 port) {
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static u16 in16(u16 port) {
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static void out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
static void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static u64 now(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}
static void barrier(void) { __asm__ volatile("lock; addl $0, (%%esp)" : : : "memory"); }

/* ---- timer: 100 ticks a second, so that the guest sleeps between two looks ---- */

static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

__attribute__((naked)) static void tick(void) {
    __asm__ volatile("pushl %eax; movb $0x20, %al; outb %al, $0x20; popl %eax; iret");
}

static u64 interrupts[256];

static void start_timer(void) {
    static const u8 controllers[][2] = {{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28}, {0x21, 4}, {0xa1, 2},
                                        {0x21, 1},    {0xa1, 1},    {0x21, 0xfe}, {0xa1, 0xff}, {0x43, 0x34},
                                        {0x40, 0x9b}, {0x40, 0x2e}};
    struct __attribute__((packed)) {
        u16 limit;
        u32 base;
    } table = {sizeof interrupts - 1, (u32)interrupts};
    u32 code;
    __asm__ volatile("movl %%cs, %0" : "=r"(code));
    for (u32 i = 0; i < 256; i++)
        interrupts[i] = (u64)(((u32)tick & 0xffff0000u) | 0x8e00) << 32 | (code & 0xffff) << 16 | ((u32)tick & 0xffff);
    for (u32 i = 0; i < sizeof controllers / 2; i++) out8(controllers[i][0], controllers[i][1]);
    __asm__ volatile("lidt %0" : : "m"(table));
}

/* ACPI's PM1 event block, where SeaBIOS has put it on q35 */
enum { PM1_STATUS = 0x600, PM1_ENABLE = 0x602, POWER_BUTTON = 0x100 };
static u32 silent;

static void sleep(void) { __asm__ volatile("sti; hlt; cli" : : : "memory"); }

static u32 pci_read(u32 function, u32 offset) {
    out32(0xcf8, 0x80000000u | function << 8 | (offset & 0xfc));
    return in32(0xcfc);
}
static void pci_write(u32 function, u32 offset, u32 value) {
    out32(0xcf8, 0x80000000u | function << 8 | (offset & 0xfc));
    out32(0xcfc, value);
}
static u32 pci_byte(u32 function, u32 offset) { return pci_read(function, offset) >> (offset & 3) * 8 & 0xff; }

static volatile u8 *at8(u32 address) { return (volatile u8 *)address; }
static volatile u16 *at16(u32 address) { return (volatile u16 *)address; }
static volatile u32 *at32(u32 address) { return (volatile u32 *)address; }

static void zero(void *memory, u32 length) {
    for (u8 *byte = memory; length--;) *byte++ = 0;
}
static void fail(u32 code) {
    REPORT[ERROR] = code;
    for (;;) __asm__ volatile("cli; hlt");
}

/* "name=" of the command line as a number, or otherwise. */
static u64 option(const char *line, const char *name, u64 otherwise) {
    for (; *line; line++) {
        const char *at = line, *want = name;
        while (*want && *at == *want) at++, want++;
        if (*want || *at != '=') continue;
        u64 value = 0;
        for (at++;; at++) {
            u8 c = (u8)*at;
            if (c >= '0' && c <= '9') value = value << 4 | (u64)(c - '0');
            else if (c >= 'a' && c <= 'f') value = value << 4 | (u64)(c - 'a' + 10);
            else break;
        }
        return value;
    }
    return otherwise;
}

/* The first virtio function of a kind; bus numbers are the firmware's. */
static u32 find(u32 device) {
    for (u32 function = 0; function < 16 * 256; function++)
        if (pci_read(function, 0) == (device << 16 | 0x1af4)) return function;
    return 0;
}

static void map(u32 function) {
    pci_write(function, 4, pci_read(function, 4) | 6);
    for (u32 cap = pci_byte(function, 0x34); cap; cap = pci_byte(function, cap + 1)) {
        if (pci_byte(function, cap) != 9) continue;
        u32 bar = 0x10 + 4 * pci_byte(function, cap + 4), offset = pci_read(function, cap + 8);
        u32 base = pci_read(function, bar);
        if ((base & 6) == 4 && pci_read(function, bar + 4)) fail(2); /* above 4 GiB: we have no paging */
        base = (base & ~15u) + offset;
        switch (pci_byte(function, cap + 3)) {
        case 1: common = base; break;
        case 2: notify_base = base, multiplier = pci_read(function, cap + 16); break;
        case 4: device_config = base; break;
        }
    }
    if (!common || !notify_base || !device_config) fail(3);
    REPORT[MULTIPLIER] = multiplier;
    REPORT[BAR_LOW] = common;
}

static void offered(u32 word) {
    for (u32 half = 0; half < 2; half++) {
        *at32(common) = half;
        REPORT[word + half] = *at32(common + 4);
    }
}

static void configuration(u32 word) {
    volatile u32 *report = REPORT + word;
    if (REPORT[KIND] == 2) {
        report[0] = *at32(device_config), report[1] = *at32(device_config + 4);
        return;
    }
    report[0] = *at32(device_config);
    report[1] = *at16(device_config + 4);
    report[2] = *at16(device_config + 10);
    report[3] = *at16(device_config + 6);
    report[4] = *at16(device_config + 8);
}

static void cpuid(u32 word) {
    u32 a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    /* OSXSAVE and the APIC id are not the model's */
    REPORT[word] = a, REPORT[word + 1] = c & ~(1u << 27), REPORT[word + 2] = d;
}

static void start_queue(u32 index) {
    struct queue *queue = &queues[index];
    *at16(common + 0x16) = (u16)index;
    queue->size = *at16(common + 0x18);
    if (queue->size == 0) return;
    if (queue->size > size_wanted) *at16(common + 0x18) = queue->size = (u16)size_wanted;
    u32 parts[] = {(u32)queue->descriptors, (u32)queue->available, (u32)&queue->used};
    for (u32 part = 0; part < 3; part++) {
        *at32(common + 0x20 + 8 * part) = parts[part];
        *at32(common + 0x24 + 8 * part) = 0;
    }
    queue->doorbell = notify_base + *at16(common + 0x1e) * multiplier;
    *at16(common + 0x1a) = 0xffff; /* no interrupt */
    *at16(common + 0x1c) = 1;
    if (index == 0) REPORT[RING_SIZE] = queue->size;
}

static void kick(u32 index) {
    barrier();
    *at16(queues[index].doorbell) = (u16)index;
}

/* Offers `count` descriptors from `head` on, chained by whoever filled them. */
static void offer(u32 index, u16 head) {
    struct queue *queue = &queues[index];
    queue->available[2 + queue->next % queue->size] = head;
    barrier();
    queue->available[1] = ++queue->next;
}

static void describe(u32 index, u16 slot, void *address, u32 length, u16 flags) {
    queues[index].descriptors[slot] = (struct descriptor){(u32)address, length, flags, (u16)(slot + 1)};
}

/* The head of the next chain that has come back, or -1. */
static int taken(u32 index, u32 *length) {
    struct queue *queue = &queues[index];
    barrier();
    if (*(volatile u16 *)&queue->used.index == queue->seen) return -1;
    u16 slot = queue->seen++ % queue->size;
    *length = queue->used.ring[slot].length;
    return (int)queue->used.ring[slot].id;
}

enum { DEVICE_WRITES = 2, CHAINED = 1 };

/* ---- network card ---- */

static u8 first_mac[6];
static u32 sequence[PAIRS_MAX];

static void fill_frame(u8 *frame, u32 pair, u32 what) {
    static const u8 arp[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    zero(frame, BUFFER);
    u8 *ethernet = frame + 12;
    for (int i = 0; i < 6; i++) {
        ethernet[i] = what == 2 ? first_mac[i] : 0xff;
        ethernet[6 + i] = first_mac[i];
    }
    if (what == 3) { /* who has 10.0.2.2, tell 10.0.2.15 */
        for (int i = 0; i < 10; i++) ethernet[12 + i] = arp[i];
        for (int i = 0; i < 6; i++) ethernet[22 + i] = first_mac[i];
        static const u8 own[] = {10, 0, 2, 15}, other[] = {10, 0, 2, 2};
        for (int i = 0; i < 4; i++) ethernet[28 + i] = own[i], ethernet[38 + i] = other[i];
        return;
    }
    ethernet[12] = 0x88, ethernet[13] = 0xb5; /* local experimental */
    *(u32 *)(ethernet + 14) = what;
    *(u32 *)(ethernet + 18) = ++sequence[pair];
}

static void send(u32 pair) {
    u32 index = 2 * pair + 1;
    struct queue *queue = &queues[index];
    if (!queue->size) return;
    volatile u32 *count = REPORT + PAIR + PAIR_WORDS * pair;
    for (u32 slot = 0; slot < 3; slot++) {
        if (queue->flying[slot]) continue;
        fill_frame(buffers[index][slot], pair, slot + 1);
        describe(index, (u16)slot, buffers[index][slot], 12 + 60, 0);
        queue->flying[slot] = 1;
        offer(index, (u16)slot);
        count[SENT]++;
    }
    kick(index);
}

static void collect(u32 pair) {
    volatile u32 *count = REPORT + PAIR + PAIR_WORDS * pair;
    u32 length;
    for (int id; (id = taken(2 * pair + 1, &length)) >= 0;) {
        if (id >= FLIGHT_MAX || !queues[2 * pair + 1].flying[id]) count[BAD_ID]++;
        else queues[2 * pair + 1].flying[id] = 0, count[SENT_BACK + id]++;
    }
    u32 index = 2 * pair, returned = 0;
    for (int id; (id = taken(index, &length)) >= 0; returned++) {
        if ((u32)id >= flight || !queues[index].flying[id]) {
            count[BAD_ID]++;
            continue;
        }
        u8 *ethernet = buffers[index][id] + 12;
        queues[index].returned[id] = ++count[RECEIVED];
        if (ethernet[12] == 0x88 && ethernet[13] == 0xb5) {
            u32 what = *(u32 *)(ethernet + 14), number = *(u32 *)(ethernet + 18);
            if (what == 2) count[RECEIVED_OWN]++;
            if (what == 1) {
                if (number <= count[LAST_SEQUENCE]) count[DUPLICATE]++;
                count[LAST_SEQUENCE] = number;
            }
        } else if (ethernet[12] == 8 && ethernet[13] == 6 && ethernet[21] == 2) count[ANSWERS]++;
        zero(ethernet, 64);
        offer(index, (u16)id);
    }
    count[STALE] = 0;
    for (u32 id = 0; id < flight; id++) count[STALE] += count[RECEIVED] - queues[index].returned[id] > 4 * flight;
    if (returned) kick(index);
}

/* One command of the control virtqueue; answered or not, only one is under way. */
static u8 command[64], acknowledgement;
static u32 control_index;

static void control(u8 class, u8 number, const void *data, u32 length) {
    if (!control_index || REPORT[CONTROL_PENDING]) return;
    command[0] = class, command[1] = number;
    for (u32 i = 0; i < length; i++) command[2 + i] = ((const u8 *)data)[i];
    acknowledgement = 0xff;
    describe(control_index, 0, command, 2, CHAINED);
    describe(control_index, 1, command + 2, length, CHAINED);
    describe(control_index, 2, &acknowledgement, 1, DEVICE_WRITES);
    offer(control_index, 0);
    REPORT[CONTROL_SENT]++;
    REPORT[CONTROL_PENDING] = 1;
    kick(control_index);
}

static void control_collect(void) {
    u32 length;
    if (!control_index || taken(control_index, &length) < 0) return;
    REPORT[CONTROL_PENDING] = 0;
    REPORT[*(volatile u8 *)&acknowledgement ? CONTROL_REFUSED : CONTROL_ACCEPTED]++;
}

static void control_wait(void) {
    for (u64 end = now() + 4000000000ull; REPORT[CONTROL_PENDING] && now() < end;) control_collect();
}

static void drive_net(u64 new_mac, u32 pairs_wanted) {
    if (silent) out16(PM1_ENABLE, POWER_BUTTON);
    u32 pairs = REPORT[NEGOTIATED] & 1 << 22 ? REPORT[FIRST_CONFIG + 4] : 1;
    if (pairs > PAIRS_MAX) fail(6);
    u32 count = 2 * pairs;
    if (REPORT[NEGOTIATED] & 1 << 17) control_index = count++;
    for (u32 index = 0; index < count; index++) start_queue(index);
    REPORT[QUEUES] = count;
    *at8(common + 0x14) = 15;
    for (u32 i = 0; i < 6; i++) first_mac[i] = (u8)(REPORT[FIRST_CONFIG + i / 4] >> i % 4 * 8);
    if (pairs_wanted > pairs) pairs_wanted = pairs;
    if (pairs_wanted > 1) {
        u16 value = (u16)pairs_wanted;
        control(4, 0, &value, 2);
        control_wait();
    }
    if (new_mac) {
        for (u32 i = 0; i < 6; i++) first_mac[i] = (u8)(new_mac >> (40 - 8 * i));
        control(1, 1, first_mac, 6);
        control_wait();
    }
    for (u32 pair = 0; pair < pairs_wanted; pair++) {
        for (u32 slot = 0; slot < flight; slot++) {
            describe(2 * pair, (u16)slot, buffers[2 * pair][slot], BUFFER, DEVICE_WRITES);
            queues[2 * pair].flying[slot] = 1;
            offer(2 * pair, (u16)slot);
        }
        kick(2 * pair);
    }
    REPORT[PHASE] = 4;
    u64 next = 0, ask = now() + 1000000000ull;
    for (;;) {
        if (now() >= next) {
            if (silent && in16(PM1_STATUS) & POWER_BUTTON) silent = 0, ask = now();
            for (u32 pair = 0; pair < pairs_wanted && !silent; pair++) send(pair);
            next = now() + 20000000ull;
            REPORT[HEARTBEAT]++;
            configuration(NOW_CONFIG);
            offered(NOW_OFFERED);
            cpuid(NOW_CPUID);
            REPORT[STATUS] = *at8(common + 0x14);
            if (REPORT[STATUS] != 15) REPORT[STATUS_BAD]++;
        }
        /* a command that changes nothing: promiscuous mode off */
        if (now() >= ask && !silent) {
            u8 off = 0;
            control(0, 0, &off, 1);
            ask = now() + 300000000ull;
        }
        control_collect();
        for (u32 pair = 0; pair < pairs_wanted; pair++) collect(pair);
        sleep();
    }
}

/* ---- disk ---- */

static struct {
    u32 type, reserved;
    u64 sector;
} request;
static u8 request_status;

static int transfer(u32 type, u8 *data) {
    u32 length;
    request.type = type, request.sector = 8, request_status = 0xff;
    describe(0, 0, &request, 16, CHAINED);
    describe(0, 1, data, 512, (u16)(CHAINED | (type ? 0 : DEVICE_WRITES)));
    describe(0, 2, &request_status, 1, DEVICE_WRITES);
    offer(0, 0);
    kick(0);
    while (taken(0, &length) < 0) {
        REPORT[STATUS] = *at8(common + 0x14);
        sleep();
    }
    return *(volatile u8 *)&request_status;
}

static void drive_block(void) {
    start_queue(0);
    REPORT[QUEUES] = 1;
    *at8(common + 0x14) = 15;
    u8 *data = buffers[0][0];
    for (u32 i = 0; i < 512; i++) data[i] = (u8)(i * 7 + 1);
    if (transfer(1, data)) fail(7);
    REPORT[PHASE] = 4;
    for (u64 next = 0;;) {
        if (now() < next) continue;
        next = now() + 20000000ull;
        zero(data, 512);
        if (transfer(0, data)) REPORT[BLK_ERROR]++;
        u32 wrong = 0;
        for (u32 i = 0; i < 512; i++) wrong |= data[i] ^ (u8)(i * 7 + 1);
        REPORT[BLK_READ]++;
        REPORT[wrong ? BLK_WRONG : BLK_GOOD]++;
        REPORT[HEARTBEAT]++;
        configuration(NOW_CONFIG);
        offered(NOW_OFFERED);
        cpuid(NOW_CPUID);
        REPORT[STATUS] = *at8(common + 0x14);
        if (REPORT[STATUS] != 15) REPORT[STATUS_BAD]++;
    }
}

__attribute__((used)) static void run(const u32 *boot) {
    zero((void *)REPORT, 4096);
    start_timer();
    REPORT[MAGIC] = 0x61706476; /* vdpa */
    const char *line = boot[0] & 4 ? (const char *)boot[4] : "";
    u32 function = find(0x1041);
    REPORT[KIND] = 1;
    if (!function) function = find(0x1042), REPORT[KIND] = 2;
    if (!function) fail(1);
    REPORT[DEVICE_ID] = pci_read(function, 0);
    map(function);
    REPORT[PHASE] = 1;
    *at8(common + 0x14) = 0;
    while (*at8(common + 0x14)) sleep();
    *at8(common + 0x14) = 3;
    offered(OFFERED);
    u64 all = (u64)REPORT[OFFERED_HIGH] << 32 | REPORT[OFFERED];
    /* by default what the driver understands: MTU, MAC, STATUS, MRG_RXBUF, CTRL_VQ, CTRL_RX, MQ, CTRL_MAC_ADDR,
       VERSION_1 and ACCESS_PLATFORM; of a disk only the last two */
    u64 known = REPORT[KIND] == 1 ? 0x300c78028ull : 0x300000000ull;
    u64 want = all & (option(line, "want", known) | 1ull << 32);
    silent = (u32)option(line, "silent", 0);
    flight = (u32)option(line, "ring", flight);
    if (flight > FLIGHT_MAX) flight = FLIGHT_MAX;
    size_wanted = (u32)option(line, "size", size_wanted);
    if (size_wanted > RING_MAX) size_wanted = RING_MAX;
    for (u32 half = 0; half < 2; half++) {
        *at32(common + 8) = half;
        *at32(common + 0xc) = REPORT[NEGOTIATED + half] = (u32)(want >> 32 * half);
    }
    *at8(common + 0x14) = 11;
    if (!(*at8(common + 0x14) & 8)) fail(4);
    REPORT[PHASE] = 2;
    configuration(FIRST_CONFIG);
    cpuid(FIRST_CPUID);
    if (REPORT[KIND] == 1) drive_net(option(line, "mac", 0), (u32)option(line, "pairs", 1));
    drive_block();
}

__attribute__((naked, section(".entry"), used)) void _start(void) {
    __asm__ volatile("cli; movl $stack + 16384, %esp; pushl %ebx; call run");
}
