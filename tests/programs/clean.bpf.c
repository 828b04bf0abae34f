// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Nothing is wrong here. */
#include "program.h"

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tp_btf/task_newtask")
int clean(unsigned long long *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
