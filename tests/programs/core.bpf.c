// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A test of a type that the record does not know, which libbpf answers for each kernel (CO-RE): the first kfunc may
 * be called anywhere, and the others are behind tests of their own.
 */
#include "program.h"

/* Of what came with the first kfunc. */
struct scx_dsq_insert_args___own {
	u64 dsq_id;
} __attribute__((preserve_access_index));

extern bool scx_bpf_dsq_insert___v2___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
extern void scx_bpf_dsq_insert___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
extern void scx_bpf_dispatch___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;

#define type_exists(type) __builtin_preserve_type_info(*(type *)0, 0)

SEC("struct_ops/core_enqueue")
void core_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	if (type_exists(struct scx_dsq_insert_args___own))
		scx_bpf_dsq_insert___v2___compat(p, ctx[1], ctx[2], 0);
	else if (bpf_ksym_exists(scx_bpf_dsq_insert___compat))
		scx_bpf_dsq_insert___compat(p, ctx[1], ctx[2], 0);
	else
		scx_bpf_dispatch___compat(p, ctx[1], ctx[2], 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops___own core_ops = {
	.enqueue = (void *)core_enqueue,
	.name = "core",
};
