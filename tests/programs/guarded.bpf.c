// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The same scheduler with a guard: it loads on kernels with either name. */
#include "program.h"

extern void scx_bpf_dsq_insert___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
extern void scx_bpf_dispatch___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;

SEC("struct_ops/guarded_enqueue")
void guarded_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	if (bpf_ksym_exists(scx_bpf_dsq_insert___compat))
		scx_bpf_dsq_insert___compat(p, 0, 1000, ctx[1]);
	else if (bpf_ksym_exists(scx_bpf_dispatch___compat))
		scx_bpf_dispatch___compat(p, 0, 1000, ctx[1]);
}

SEC(".struct_ops.link")
struct sched_ext_ops___own guarded_ops = {
	.enqueue = (void *)guarded_enqueue,
	.name = "guarded",
};
