// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Conditions that keep kernels from calls of what they do not have: the version, types and members of the kernel,
 * constants, functions that return the outcome, what is checked where it is called, and what libbpf does not load.
 */
#include "program.h"

#define __kconfig __attribute__((section(".kconfig")))
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define type_exists(type) __builtin_preserve_type_info(*(type *)0, 0)
#define field_exists(field) __builtin_preserve_field_info(field, 2)

struct scx_bpf_select_cpu_and_args___own {
	u64 wake_flags;
} __attribute__((preserve_access_index));

struct scx_cgroup_init_args___own {
	u64 bw_period_us;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;
extern int bpf_strstr(const char *s1, const char *s2) __ksym __weak;
extern int bpf_strstr___other(const char *s1, const char *s2) __ksym __weak;
extern struct task_struct *scx_bpf_cpu_curr(s32 cpu) __ksym __weak;
extern struct task_struct *scx_bpf_dsq_peek(u64 dsq_id) __ksym __weak;

char text[8] = "text", part[8] = "x";
const volatile int wanted = 0;

static __noinline int has_strings(void)
{
	return LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 17, 0) && !!bpf_strstr;
}

static __noinline int lacks_bandwidth(void)
{
	return !field_exists(((struct scx_cgroup_init_args___own *)0)->bw_period_us);
}

/* Global: a kernel checks it by itself, from v6.8 on only where it may be called. */
__noinline int find(int more)
{
	return bpf_strstr___other(text, part) + more;
}

__noinline int never_called(void)
{
	return bpf_strstr(text, part);
}

SEC("raw_tp/sys_enter")
int by_version(void *any)
{
	if (LINUX_KERNEL_VERSION < KERNEL_VERSION(6, 17, 0))
		return 0;
	return bpf_strstr(text, part);
}

SEC("raw_tp/sys_enter")
int by_function(void *any)
{
	return has_strings() ? bpf_strstr(text, part) : 0;
}

SEC("raw_tp/sys_enter")
int by_member(void *any)
{
	return lacks_bandwidth() ? 0 : bpf_strstr(text, part);
}

SEC("raw_tp/sys_enter")
int by_constant(void *any)
{
	return wanted ? bpf_strstr(text, part) : 0;
}

SEC("raw_tp/sys_enter")
int in_global_function(void *any)
{
	return bpf_strstr___other ? find(1) : 0;
}

SEC("?raw_tp/sys_enter")
int on_request(void *any)
{
	return bpf_strstr(text, part);
}

SEC("struct_ops/conditions_enqueue")
void conditions_enqueue(unsigned long long *ctx)
{
	/* Both are older than the type, or as old. */
	if (type_exists(struct scx_bpf_select_cpu_and_args___own) && LINUX_KERNEL_VERSION >= KERNEL_VERSION(7, 1, 0))
		scx_bpf_dsq_peek(ctx[1]);
	else if (type_exists(struct scx_bpf_select_cpu_and_args___own))
		scx_bpf_cpu_curr(0);
}

SEC(".struct_ops.link")
struct sched_ext_ops___own conditions_ops = {
	.enqueue = (void *)conditions_enqueue,
	.name = "conditions",
};
