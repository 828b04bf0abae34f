// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A filter of the kernel lets only LSM programs call these kfuncs: one of the programs is refused. */
#include "program.h"

extern struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym;
extern void bpf_put_file(struct file *file) __ksym;

static struct task_struct *(*const current_task)(void) = (void *)158;	/* bpf_get_current_task_btf() */

static inline int hold(void)
{
	struct file *file = bpf_get_task_exe_file(current_task());

	if (file)
		bpf_put_file(file);
	return 0;
}

SEC("lsm.s/file_open")
int lsm_hold(unsigned long long *ctx)
{
	return hold();
}

SEC("fentry/security_file_open")
int tracing_hold(unsigned long long *ctx)
{
	return hold();
}
