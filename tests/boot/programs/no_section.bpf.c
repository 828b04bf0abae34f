// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kfuncs without __ksym: libbpf cannot open the object. */
#include "program.h"

extern void bpf_rcu_read_lock(void);
extern void bpf_rcu_read_unlock(void);

SEC("raw_tp/sys_enter")
int without_section(unsigned long long *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
