// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A kfunc that may sleep, from a program that may, and from one that may not. */
#include "program.h"

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

static inline int copy(void)
{
	char text[8];

	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0);
	return 0;
}

SEC("lsm.s/file_open")
int may_sleep(unsigned long long *ctx)
{
	return copy();
}

SEC("lsm/file_open")
int may_not_sleep(unsigned long long *ctx)
{
	return copy();
}
