// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A scheduler of v6.12: its dispatch kfunc was renamed in v6.13, and the old name is gone from v6.17. */
#include "program.h"

extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;

SEC("struct_ops/gone_enqueue")
void gone_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	scx_bpf_dispatch(p, 0, 1000, ctx[1]);
}

SEC(".struct_ops.link")
struct sched_ext_ops___own gone_ops = {
	.enqueue = (void *)gone_enqueue,
	.name = "gone",
};
