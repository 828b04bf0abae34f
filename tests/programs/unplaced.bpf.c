// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A kfunc that is declared without __ksym, and a function of another object: libbpf cannot open this one. */
#include "program.h"

extern void bpf_rcu_read_lock(void);
extern void bpf_rcu_read_unlock(void) __ksym;
extern int helper_of_another_object(void);

SEC("raw_tp/sys_enter")
int unplaced(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return helper_of_another_object();
}
