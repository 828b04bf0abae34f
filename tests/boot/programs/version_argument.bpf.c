// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One function compares the version of the kernel with what each program asks for. */
#include "program.h"

extern int bpf_strlen(const char *s) __ksym __weak;
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));

#define VERSION(major, minor) (((major) << 16) + ((minor) << 8))

static __noinline int at_least(int version)
{
	return LINUX_KERNEL_VERSION >= version;
}

SEC("raw_tp/sys_enter")
int by_argument(unsigned long long *ctx)
{
	return at_least(VERSION(6, 17)) ? bpf_strlen("kernel") : 0;
}

/* Older kernels get to the call, and refuse the program. */
SEC("raw_tp/sys_enter")
int by_older_version(unsigned long long *ctx)
{
	return at_least(VERSION(6, 6)) ? bpf_strlen("kernel") : 0;
}
