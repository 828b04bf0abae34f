// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kfuncs that nobody has heard of. */
#include "program.h"

extern int bpf_never_heard_of(int value) __ksym;
extern int bpf_task_acquir(int value) __ksym __weak;

SEC("tc")
int unknown(void *ctx)
{
	return bpf_never_heard_of(1) + (bpf_ksym_exists(bpf_task_acquir) ? bpf_task_acquir(2) : 0);
}
