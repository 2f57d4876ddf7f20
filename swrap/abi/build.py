"""The cffi builder of `swrap._abi`: names, page and guard, from the same C as libswrap.so and the switch."""

from cffi import FFI

SOURCES = ["swrap/abi/page.c", "swrap/abi/name.c", "swrap/abi/guard.c"]
CFLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]

ffi = FFI()
ffi.cdef(
    """
    #define SW_PAGE_MAGIC ...
    #define SW_NO_HOST ...
    #define SW_DIRECT ...
    #define SW_IF_UP ...
    #define SW_IF_RUNNING ...
    #define SW_IF_LOOPBACK ...
    #define SW_IF_RSS ...
    #define SW_IF_RDMA ...
    #define SW_SYN_MAGIC ...
    #define SW_OPEN ...
    #define SW_ASK ...
    #define SW_SYN_BOUND ...
    #define SW_SERVICE_STREAM ...
    #define SW_SERVICE_CONTROL ...
    #define SW_SERVICE_ROUTE ...
    #define SW_SERVICE_DATAGRAM ...
    #define SW_ROUTE_MAGIC ...
    #define SW_ROUTE_SOCKET ...
    #define SW_ROUTE_BIND ...
    #define SW_ROUTE_JOIN ...
    #define SW_ROUTE_LEAVE ...
    #define SW_ROUTE_ASK ...
    #define SW_FLOW_NONE ...
    #define SW_FLOW_SYN_SENT ...
    #define SW_FLOW_ESTABLISHED ...
    #define SW_FLOW_FIN_WAIT ...
    #define SW_FLOW_CLOSE_WAIT ...
    #define SW_FLOW_CLOSED ...

    typedef int... pid_t;
    struct sw_endpoint { uint8_t ip[16]; uint16_t port; };
    struct sw_host { char name[64]; uint32_t first_iface, n_ifaces, first_addr, n_addrs; ...; };
    struct sw_iface {
        char name[16]; uint16_t host, ifindex; uint32_t flags, mtu, rings; uint64_t speed, rate; uint8_t mac[6]; ...;
    };
    struct sw_addr { uint8_t ip[16]; uint32_t iface; uint16_t host; uint8_t prefix, v6; ...; };
    struct sw_page {
        uint64_t magic; uint32_t size, flags; char lab[16]; uint8_t key[16]; uint32_t seq;
        uint32_t n_hosts, n_ifaces, n_addrs, hosts, ifaces, addrs, by_ip; ...;
    };
    struct sw_name { uint16_t host; uint8_t kind, pair; struct sw_endpoint own, peer; ...; };
    struct sw_syn {
        uint32_t magic; uint16_t opening, flags; uint32_t length; uint16_t host; uint64_t ino;
        struct sw_endpoint local, remote; ...;
    };
    struct sw_hello { uint64_t ino; };
    struct sw_answer {
        uint32_t state; int32_t error; struct sw_endpoint local, remote; uint64_t sent, unacked, received;
        uint32_t rto_us, rtt_us, retransmits, backoff, since_ack_ms; ...;
    };

    struct sw_route_word { uint32_t magic; uint16_t kind, host; uint64_t ino; uint32_t value; ...; };
    struct sw_route_answer { int32_t error; uint64_t groups; ...; };

    void sw_page_write_begin(struct sw_page *p);
    void sw_page_write_end(struct sw_page *p);
    uint16_t sw_host_index(const struct sw_page *p, const char *name);
    int sw_route(const struct sw_page *p, uint16_t host, const uint8_t dst[16], uint8_t src[16], uint32_t *iface);
    int sw_owner(const struct sw_page *p, uint16_t host, const uint8_t dst[16], uint16_t *owner, uint32_t *iface);

    struct sockaddr_un { char sun_path[108]; ...; };
    uint32_t sw_name_encode(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun);
    int sw_name_decode(const struct sw_page *p, const struct sockaddr_un *sun, uint32_t len, struct sw_name *name);
    uint32_t sw_name_service(const struct sw_page *p, int which, struct sockaddr_un *sun);

    int sw_guard_install(void);
    int sw_die_with_parent(pid_t ppid);
    """
)
ffi.set_source(
    "swrap._abi",
    """
    #include "name.h"
    #include "syn.h"
    #include "route.h"
    #include "guard.h"
    """,
    sources=SOURCES,
    include_dirs=["swrap/abi"],
    depends=[
        "swrap/abi/page.h",
        "swrap/abi/name.h",
        "swrap/abi/syn.h",
        "swrap/abi/route.h",
        "swrap/abi/guard.h",
    ],
    extra_compile_args=CFLAGS,
)
