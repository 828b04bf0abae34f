// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program calls what older kernels lack; its user asks for it where it is there. */
#include "program.h"

extern int bpf_strlen(const char *s) __ksym __weak;

SEC("?raw_tp/sys_enter")
int on_request(unsigned long long *ctx)
{
	return bpf_strlen("kernel");
}

SEC("raw_tp/sys_exit")
int always(unsigned long long *ctx)
{
	return 0;
}
