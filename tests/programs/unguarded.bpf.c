// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Weak, and yet called without a test of the address; and once behind a test that says nothing of it. */
#include "program.h"

extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;

SEC("struct_ops/unguarded_enqueue")
void unguarded_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	if (!bpf_ksym_exists(scx_bpf_dsq_insert) || ctx[1])
		scx_bpf_dispatch(p, 0, 1000, ctx[1]);
}
