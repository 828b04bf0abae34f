// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kfuncs of the module nf_conntrack. */
#include "program.h"

struct bpf_ct_opts___own {
	s32 netns_id;
	s32 error;
	u8 l4proto;
	u8 dir;
	u16 ct_zone_id;
	u8 ct_zone_dir;
	u8 reserved[3];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple, u32 tuple__sz,
					 struct bpf_ct_opts___own *opts, u32 opts__sz) __ksym;
extern void bpf_ct_release(struct nf_conn *nfct) __ksym;

SEC("xdp")
int of_module(struct xdp_md *ctx)
{
	struct bpf_ct_opts___own options = { .netns_id = -1, .l4proto = 6 };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;

	connection = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (connection)
		bpf_ct_release(connection);
	return 2;	/* XDP_PASS */
}
