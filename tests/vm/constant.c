/* Loads a BPF program that does nothing but return a constant, and pins it for ip, tc or bpftool to attach.
 *
 * Usage: constant xdp|tc NUMBER PATH
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
	fprintf(stderr, "constant: failed to %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: constant xdp|tc NUMBER PATH\n");
		return 2;
	}
	enum bpf_prog_type type = strcmp(argv[1], "xdp") ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_XDP;
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = atoi(argv[2]) },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "constant", "Dual MIT/GPL", insns, 2, NULL);

	if (fd < 0)
		return fail("load");
	if (bpf_obj_pin(fd, argv[3]))
		return fail("pin");
	return 0;
}
