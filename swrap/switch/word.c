/* What a program says to its twin besides datagrams: who it is, its address, its peer, its groups, its options. */
#include <errno.h>
#include <string.h>

#include "twin.h"

/* proven() - Was the proof made by a member of the lab, for this socket? */
static bool proven(const struct sw *sw, const struct sw_dgram_hello *hello)
{
	struct sockaddr_un sun;
	uint8_t ip[16] = {0};
	struct sw_name name;

	if (hello->length > sizeof(sun))
		return false;
	memcpy(&sun, hello->proof, sizeof(sun));
	memcpy(ip, &hello->ino, sizeof(hello->ino));
	return sw_name_decode(sw->page, &sun, hello->length, &name) == 0 && name.kind == SW_KIND_TWIN && !name.pair &&
	       name.host == hello->host && name.own.port == 0 && memcmp(name.own.ip, ip, sizeof(ip)) == 0;
}

static bool greet(struct sw *sw, struct sw_twin *t, uint32_t size)
{
	struct sw_dgram_hello hello;

	if (size != sizeof(hello))
		return false;
	memcpy(&hello, sw->twins->payload, sizeof(hello));
	if (t->host != SW_NO_HOST) /* two threads may both find the socket without a twin */
		return hello.ino == t->ino;
	if (hello.host >= sw->page->n_hosts || !hello.ino || !proven(sw, &hello))
		return false;
	t->host = hello.host;
	t->v6 = hello.v6;
	t->ino = hello.ino;
	sw_list_add(&sw->twins->by_ino[t->ino % SW_PORTS], &t->by_ino);
	sw_list_del(&t->link);
	return true;
}

/* may_bind() - An address of the host, all of them, or one that only datagrams have. */
static bool may_bind(const struct sw *sw, const struct sw_twin *t, const uint8_t ip[16])
{
	const struct sw_host *host = &sw_hosts(sw->page)[t->host];

	if (!t->v6 && !sw_ip_is_v4(ip))
		return false;
	if (sw_ip_is_any(ip) || sw_ip_is_group(ip) || sw_addr_has(sw->page, t->host, ip))
		return true;
	for (uint32_t i = host->first_iface; i < host->first_iface + host->n_ifaces; i++)
		if (sw_is_broadcast(sw, i, ip))
			return true;
	return false;
}

static void bind_to(struct sw *sw, struct sw_twin *t, const struct sw_dgram *word)
{
	struct sw_dgram reply = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_BOUND};

	if (!t->bound) {
		t->reuse_addr = word->flags & SW_DGRAM_REUSE_ADDR;
		t->reuse_port = word->flags & SW_DGRAM_REUSE_PORT;
		t->v6only = t->v6 && (word->flags & SW_DGRAM_V6ONLY);
		reply.error = EADDRNOTAVAIL;
		if (may_bind(sw, t, word->to.ip))
			reply.error = (uint16_t)sw_port_take(sw, t, &word->to);
	}
	/* Two threads may both find the socket unbound; both learn what it got. */
	reply.to = t->own;
	sw_twin_tell(t, &reply);
}

static void connect_to(struct sw *sw, struct sw_twin *t, const struct sw_dgram *word)
{
	static const struct sw_endpoint unspecified;
	uint16_t device = (uint16_t)t->options[SW_OPTION_DEVICE];
	uint32_t iface;

	t->connected = word->flags & SW_DGRAM_TO_PEER;
	t->peer = word->to;
	t->by = word->ifindex;
	t->to_broadcast = word->flags & SW_DGRAM_BROADCAST;
	t->local = t->own; /* of another peer it may be another one */
	if (t->connected && sw_ip_is_any(t->own.ip))
		sw_source_choose(sw, t, device ? device : t->by, &unspecified, &t->peer, &t->local, &iface);
}

static bool set(struct sw *sw, struct sw_twin *t, uint32_t size)
{
	struct sw_dgram_setting setting;

	if (size != sizeof(setting))
		return false;
	memcpy(&setting, sw->twins->payload, sizeof(setting));
	if (setting.option >= SW_OPTIONS)
		return false;
	t->options[setting.option] = setting.value;
	return true;
}

bool sw_twin_word(struct sw *sw, struct sw_twin *t, const struct sw_dgram *word, uint32_t size)
{
	switch (word->kind) {
	case SW_DGRAM_HELLO:
		return greet(sw, t, size);
	case SW_DGRAM_BIND:
		bind_to(sw, t, word);
		return true;
	case SW_DGRAM_CONNECT:
		if (t->bound)
			connect_to(sw, t, word);
		return t->bound;
	case SW_DGRAM_JOIN:
		t->error = (uint16_t)sw_membership_join(sw, t, word->to.ip, word->ifindex);
		return true;
	case SW_DGRAM_LEAVE:
		t->error = (uint16_t)sw_membership_leave(sw, t, word->to.ip, word->ifindex);
		return true;
	case SW_DGRAM_OPTION:
		return set(sw, t, size);
	default:
		return false;
	}
}
