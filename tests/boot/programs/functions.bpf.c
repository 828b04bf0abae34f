// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A global function that is called behind a guard, and one that no program calls. */
#include "program.h"

extern int bpf_strlen(const char *s) __ksym __weak;

__noinline int length(int otherwise)
{
	return otherwise + bpf_strlen("kernel");
}

__noinline int never_called(int otherwise)
{
	return otherwise - bpf_strlen("kernel");
}

SEC("raw_tp/sys_enter")
int calls_function(unsigned long long *ctx)
{
	return bpf_ksym_exists(bpf_strlen) ? length(1) : 0;
}
