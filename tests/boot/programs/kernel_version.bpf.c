// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Behind the version of the kernel: no older kernel reaches the call. */
#include "program.h"

extern int bpf_strlen(const char *s) __ksym __weak;
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));

#define VERSION(major, minor) (((major) << 16) + ((minor) << 8))

SEC("raw_tp/sys_enter")
int by_version(unsigned long long *ctx)
{
	if (LINUX_KERNEL_VERSION < VERSION(6, 17))
		return 0;
	return bpf_strlen("kernel");
}
