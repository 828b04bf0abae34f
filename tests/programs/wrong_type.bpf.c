// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that may not call what they call: a program of XDP, and callbacks of another structure than the scheduler's. */
#include "program.h"

extern int bpf_get_file_xattr(struct file *file, const char *name__str, struct bpf_dynptr *value_p) __ksym;
extern u32 scx_bpf_nr_cpu_ids(void) __ksym;

SEC("xdp")
int packet(void *ctx)
{
	return bpf_get_file_xattr(ctx, "user.name", ctx) ? 1 : 2;
}

SEC("struct_ops/ssthresh")
u32 ssthresh(unsigned long long *ctx)
{
	return scx_bpf_nr_cpu_ids();
}

SEC(".struct_ops")
struct tcp_congestion_ops congestion = {
	.ssthresh = (void *)ssthresh,
	.name = "congestion",
};
