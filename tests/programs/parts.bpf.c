// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that are parts of programs through subprograms and callbacks; guards that are seen there, and in forms
 * that compilers make of them.
 */
#include "program.h"

extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;

static long (*bpf_loop)(u32 count, void *callback, void *ctx, u64 flags) = (void *)181;

/* Called behind a guard only. */
static __noinline int locked(int value)
{
	bpf_rcu_read_lock();
	return value + 1;
}

/* Called with a guard and without. */
static __noinline int unlocked(int value)
{
	bpf_rcu_read_unlock();
	return value - 1;
}

/* Verified by itself, whatever its callers know. */
__noinline int released(struct task_struct *p)
{
	bpf_task_release(p);
	return 0;
}

static long callback(u64 index, void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(index);

	return !p;
}

SEC("tp_btf/task_newtask")
int first(unsigned long long *ctx)
{
	bool both = bpf_ksym_exists(bpf_rcu_read_lock) && bpf_ksym_exists(bpf_rcu_read_unlock);
	struct task_struct *p = (void *)ctx[0];

	if (both && ctx[1])
		return locked(ctx[1]) + unlocked(ctx[1]);
	if (bpf_ksym_exists(bpf_task_release))
		released(p);
	return 0;
}

SEC("?fentry.s/do_unlinkat")
int second(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	bpf_loop(4, callback, ctx, 0);
	if (bpf_ksym_exists(bpf_task_acquire))
		bpf_task_acquire(p);
	return unlocked(ctx[1]);
}
