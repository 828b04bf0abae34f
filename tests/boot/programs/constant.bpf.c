// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Behind a constant of the object, which its user may set before it is loaded. */
#include "program.h"

extern int bpf_strlen(const char *s) __ksym __weak;

const volatile _Bool has_strlen = 0;

SEC("raw_tp/sys_enter")
int by_constant(unsigned long long *ctx)
{
	return has_strlen ? bpf_strlen("kernel") : 0;
}
