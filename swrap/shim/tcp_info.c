/* What TCP tells of itself, for a virtual path: the switch knows. */
#include "shim.h"

#include <linux/tcp.h>
#include <string.h>

#define MSS 1448

/* include/net/tcp_states.h */
enum { ESTABLISHED = 1, SYN_SENT, FIN_WAIT1 = 4, CLOSE = 7, CLOSE_WAIT, LISTEN = 10 };

static uint8_t state_of(uint64_t tag, const struct sw_answer *answer)
{
	static const uint8_t states[] = {
		[SW_FLOW_NONE] = CLOSE,		   [SW_FLOW_SYN_SENT] = SYN_SENT,     [SW_FLOW_ESTABLISHED] = ESTABLISHED,
		[SW_FLOW_FIN_WAIT] = FIN_WAIT1, [SW_FLOW_CLOSE_WAIT] = CLOSE_WAIT, [SW_FLOW_CLOSED] = CLOSE,
	};

	if (tag & SW_TAG_LISTEN)
		return LISTEN;
	if (answer->state == SW_FLOW_NONE && (tag & SW_TAG_CONNECTED))
		return ESTABLISHED; /* a direct flow, of which nobody keeps count */
	return answer->state < sizeof(states) ? states[answer->state] : (uint8_t)CLOSE;
}

int sw_tcp_info(int fd, uint64_t tag, void *value, socklen_t *len)
{
	struct sw_answer answer;
	struct tcp_info info = {0};

	sw_ask(fd, &answer);
	info.tcpi_state = state_of(sw_settle(fd, tag), &answer);
	info.tcpi_rto = answer.rto_us ? answer.rto_us : 200000;
	info.tcpi_snd_mss = info.tcpi_rcv_mss = info.tcpi_advmss = MSS;
	info.tcpi_unacked = (uint32_t)((answer.unacked + MSS - 1) / MSS); /* in segments, as the kernel counts */
	info.tcpi_rtt = answer.rtt_us;
	info.tcpi_retransmits = (uint8_t)answer.retransmits;
	info.tcpi_total_retrans = answer.retransmits;
	info.tcpi_backoff = (uint8_t)answer.backoff;
	info.tcpi_last_ack_recv = answer.since_ack_ms;
	info.tcpi_bytes_acked = answer.sent - answer.unacked;
	info.tcpi_bytes_sent = answer.sent;
	info.tcpi_bytes_received = answer.received;
	info.tcpi_notsent_bytes = 0;
	if (*len > sizeof(info))
		*len = sizeof(info);
	memcpy(value, &info, *len);
	return 0;
}

int sw_unacked(int fd)
{
	struct sw_answer answer;

	sw_ask(fd, &answer);
	return (int)answer.unacked;
}
