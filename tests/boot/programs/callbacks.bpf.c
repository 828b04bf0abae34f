// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A kfunc that all callbacks of a scheduler may call, and that has an implicit argument from v7.1 on, and one that only
 * some callbacks may call, from one of those and from another one.
 */
#include "program.h"

extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
extern u32 scx_bpf_dispatch_nr_slots(void) __ksym;

struct sched_ext_ops___callbacks {
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	char name[128];
};

SEC("struct_ops/slots_dispatch")
void slots_dispatch(unsigned long long *ctx)
{
	if (scx_bpf_dispatch_nr_slots())
		scx_bpf_kick_cpu(0, 0);
}

SEC("struct_ops/slots_tick")
void slots_tick(unsigned long long *ctx)
{
	if (scx_bpf_dispatch_nr_slots())
		scx_bpf_kick_cpu(0, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops___callbacks callback_ops = {
	.dispatch = (void *)slots_dispatch,
	.tick = (void *)slots_tick,
	.name = "callbacks",
};
