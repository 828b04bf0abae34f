// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The prototype of v6.17: from v7.0 on a program has to pass its context, and libbpf refuses this one. */
#include "program.h"

extern bool bpf_session_is_return(void) __ksym;
extern u64 *bpf_session_cookie(void) __ksym __weak;

SEC("kprobe.session/do_unlinkat")
int prototype(void *ctx)
{
	if (bpf_session_is_return())
		return 0;
	if (bpf_ksym_exists(bpf_session_cookie))
		*bpf_session_cookie() = 1;
	return 0;
}
