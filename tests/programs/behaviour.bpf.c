// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A kfunc that is to be called from v7.1 on only, and one that asks more of programs from v7.3 on: of those that a
 * process can load without CAP_PERFMON, and not of a scheduler.
 */
#include "program.h"

extern struct task_struct *scx_bpf_dsq_peek(u64 dsq_id) __ksym;
extern int bpf_strlen(const char *s) __ksym;

SEC("struct_ops/behaviour_dispatch")
void behaviour_dispatch(unsigned long long *ctx)
{
	if (scx_bpf_dsq_peek(1))
		*ctx = bpf_strlen("behaviour");
}

SEC("xdp")
int packet(void *ctx)
{
	return bpf_strlen("packet") > 0 ? 1 : 2;
}

SEC(".struct_ops.link")
struct sched_ext_ops___own behaviour_ops = {
	.dispatch = (void *)behaviour_dispatch,
	.name = "behaviour",
};
