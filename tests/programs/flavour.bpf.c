// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * libbpf cuts the last ___x off: the first name finds scx_bpf_dsq_insert, which returns nothing, and only the
 * second finds scx_bpf_dsq_insert___v2.
 */
#include "program.h"

extern bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
extern bool scx_bpf_dsq_insert___v2___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;

SEC("struct_ops.s/flavour_enqueue")
void flavour_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	if (!scx_bpf_dsq_insert___v2(p, 0, 1000, ctx[1]))
		scx_bpf_dsq_insert___v2___compat(p, 0, 1000, ctx[1]);
}

SEC(".struct_ops.link")
struct sched_ext_ops___own flavour_ops = {
	.enqueue = (void *)flavour_enqueue,
	.name = "flavour",
};
