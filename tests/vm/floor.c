/* The cheapest tracer there can be: an empty program on every function with a packet among its arguments.
 *
 * It does the same discovery as skbtrail, with libbpf, and reads nothing of the packet. What it costs is the floor
 * that the benchmark compares with. Where the kernel has no kprobe-multi links, it attaches kprobes one by one.
 * Usage: floor; prints one line when attached and stays until SIGINT.
 * floor list: only prints what it would attach to, a name and the argument's number a line.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define POSITIONS 5
#define MOST 8192

/* What the one table of names says of a function. */
enum state { FREE = 1, TAKEN, FORBIDDEN };

static char *read_file(const char *path)
{
	size_t size = 0, room = 1 << 16, got;
	char *text = malloc(room);
	FILE *file = fopen(path, "r");

	if (!file || !text) {
		free(text);
		return NULL;
	}
	while ((got = fread(text + size, 1, room - size - 1, file)) > 0) {
		size += got;
		if (size + 1 == room && !(text = realloc(text, room *= 2)))
			return NULL;
	}
	text[size] = 0;
	fclose(file);
	return text;
}

static void *as_data(enum state state)
{
	return (void *)(long)state;
}

/* Enters the name in each line of a file, after `skip` words; a name seen before becomes forbidden, because a link
 * by name cannot tell two functions apart. Lines of modules have a word more; they are left out. */
static bool enter(const char *path, int skip, enum state state)
{
	char *line, *rest = read_file(path);

	if (!rest)
		return false;
	while ((line = strsep(&rest, "\n"))) {
		for (int i = 0; i < skip && line; i++)
			strsep(&line, " \t");
		if (!line || !*line || strpbrk(line, " \t"))
			continue;
		ENTRY *known = hsearch((ENTRY){ .key = line }, FIND);
		if (known)
			known->data = as_data(FORBIDDEN);
		else if (!hsearch((ENTRY){ .key = line, .data = as_data(state) }, ENTER))
			return false;
	}
	return true;
}

/* BTF may hold a function twice; it is taken once. */
static bool take(const char *name)
{
	ENTRY *known = hsearch((ENTRY){ .key = (char *)name }, FIND);

	if (!known || known->data != as_data(FREE))
		return false;
	known->data = as_data(TAKEN);
	return true;
}

static const struct btf_type *target(const struct btf *btf, const struct btf_type *type)
{
	type = btf__type_by_id(btf, type->type);
	while (btf_is_const(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* struct sk_buff *, const struct sk_buff *, struct sk_buff ** */
static bool is_packet(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	if (!btf_is_ptr(type))
		return false;
	type = target(btf, type);
	if (btf_is_ptr(type))
		type = target(btf, type);
	return btf_is_struct(type) && !strcmp(btf__name_by_offset(btf, type->name_off), "sk_buff");
}

/* The first argument that is a packet, from 0; -1 if there is none. */
static int position(const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *proto = btf__type_by_id(btf, func->type);
	const struct btf_param *params = btf_params(proto);

	for (int i = 0; i < btf_vlen(proto) && i < POSITIONS; i++)
		if (is_packet(btf, params[i].type))
			return i;
	return -1;
}

static int load(enum bpf_attach_type type)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "Dual MIT/GPL", insns, 2, &opts);
}

static int attach(const char **names, int count)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = names, .kprobe_multi.cnt = count);

	return bpf_link_create(load(BPF_TRACE_KPROBE_MULTI), 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

/* One link for all; where one name spoils it, halves, down to the bad one. Returns how many are attached. */
static int attach_most(const char **names, int count)
{
	if (count == 0)
		return 0;
	if (attach(names, count) >= 0)
		return count;
	if (errno == EOPNOTSUPP || errno == EPERM || errno == EMFILE)
		return -errno;
	if (count == 1) {
		fprintf(stderr, "floor: %s: %s\n", names[0], strerror(errno));
		return 0;
	}
	int left = attach_most(names, count / 2);
	int right = left < 0 ? left : attach_most(names + count / 2, count - count / 2);
	return right < 0 ? right : left + right;
}

/* One kprobe after the other, as perf events; one that the kernel refuses is left out. */
static int attach_singly(const char **names, int count)
{
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "r");
	struct rlimit many = { 65536, 65536 };
	int program = load(0), done = 0;
	struct perf_event_attr attr = { .size = sizeof(attr) };

	if (!file || fscanf(file, "%u", &attr.type) != 1 || program < 0)
		return -errno;
	fclose(file);
	setrlimit(RLIMIT_NOFILE, &many);
	for (int i = 0; i < count; i++) {
		attr.kprobe_func = (unsigned long)names[i];
		int event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
		if (event >= 0 && !ioctl(event, PERF_EVENT_IOC_SET_BPF, program) &&
		    !ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
			done++;
	}
	return done;
}

static void discover(const struct btf *btf, const char *found[POSITIONS][MOST], int counts[POSITIONS])
{
	int last = btf__type_cnt(btf);

	for (int id = 1; id < last; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		if (!btf_is_func(type))
			continue;
		int at = position(btf, type);
		const char *name = btf__name_by_offset(btf, type->name_off);
		if (at >= 0 && counts[at] < MOST && take(name))
			found[at][counts[at]++] = name;
	}
}

static int list(const char *found[POSITIONS][MOST], const int counts[POSITIONS])
{
	for (int at = 0; at < POSITIONS; at++)
		for (int i = 0; i < counts[at]; i++)
			printf("%s %d\n", found[at][i], at + 1);
	return 0;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void on_signal(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	static const char *found[POSITIONS][MOST];
	int counts[POSITIONS] = { 0 }, attached = 0;
	double start = milliseconds();
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		fprintf(stderr, "floor: no BTF\n");
		return 1;
	}
	hcreate(200000);
	if (!enter("/sys/kernel/tracing/available_filter_functions", 0, FREE)) {
		fprintf(stderr, "floor: no function list: %s\n", strerror(errno));
		return 1;
	}
	enter("/sys/kernel/debug/kprobes/blacklist", 1, FORBIDDEN);
	discover(btf, found, counts);
	if (argc > 1 && !strcmp(argv[1], "list"))
		return list(found, counts);
	for (int at = 0; at < POSITIONS; at++) {
		int done = attach_most(found[at], counts[at]);
		if (done == -EOPNOTSUPP)
			done = attach_singly(found[at], counts[at]);
		if (done < 0) {
			fprintf(stderr, "floor: failed to attach: %s\n", strerror(-done));
			return 1;
		}
		attached += done;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	printf("attached %d in %.0f ms\n", attached, milliseconds() - start);
	fflush(stdout);
	pause();
	return 0;
}
