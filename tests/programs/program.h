/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of the tests need of libbpf's headers; kfuncs they declare themselves.  vmlinux.h is that
 * of Debian's package linux-bpf-dev.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#define BPF_NO_KFUNC_PROTOTYPES
#include <vmlinux.h>

#define SEC(name) __attribute__((section(name), used))
#undef __ksym
#define __ksym __attribute__((section(".ksyms")))
#undef __weak
#define __weak __attribute__((weak))
#define __noinline __attribute__((noinline))

#define bpf_ksym_exists(symbol) (!!(symbol))

/* As much of it as the programs here have; libbpf looks for the members by their names. */
struct sched_ext_ops___own {
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	char name[128];
};

char _license[] SEC("license") = "GPL";

#endif
