/* The ways to a name that are older than getaddrinfo(3), and those that write into the caller's room. */
#include "around.h"

#include <netdb.h>
#include <sys/utsname.h>

static char room[1024];
static struct hostent entry, *found;
static int why;

static bool is_v4(const struct hostent *host, const char *address)
{
	struct in_addr ip;

	return host && host->h_addrtype == AF_INET && host->h_length == 4 && inet_pton(AF_INET, address, &ip) == 1 &&
	       host->h_addr_list[0] && memcmp(host->h_addr_list[0], &ip, 4) == 0;
}

/* A number is its own name, whoever asks, and asks nobody. */
static void numbers(void)
{
	struct in6_addr six;

	MUST(is_v4(gethostbyname("192.0.2.7"), "192.0.2.7") && is_v4(gethostbyname2("192.0.2.7", AF_INET), "192.0.2.7"));
	MUST(gethostbyname_r("192.0.2.7", &entry, room, sizeof(room), &found, &why) == 0);
	MUST(found == &entry && is_v4(found, "192.0.2.7") && strcmp(found->h_name, "192.0.2.7") == 0 && !found->h_addr_list[1]);
	MUST(gethostbyname2_r("fd00::7", AF_INET6, &entry, room, sizeof(room), &found, &why) == 0 && found == &entry);
	MUST(found->h_addrtype == AF_INET6 && found->h_length == 16 && inet_pton(AF_INET6, "fd00::7", &six) == 1);
	MUST(memcmp(found->h_addr_list[0], &six, 16) == 0);
	MUST(gethostbyname_r("192.0.2.7", &entry, room, 8, &found, &why) == ERANGE && !found);
}

static void numeric_info(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};
	char host[32], service[8], small[4];

	MUST(inet_pton(AF_INET, "192.0.2.7", &at.sin_addr) == 1);
	MUST(getnameinfo((struct sockaddr *)&at, sizeof(at), host, sizeof(host), service, sizeof(service),
			 NI_NUMERICHOST | NI_NUMERICSERV) == 0);
	MUST(strcmp(host, "192.0.2.7") == 0 && strcmp(service, "80") == 0);
	MUST(getnameinfo((struct sockaddr *)&at, sizeof(at), small, sizeof(small), NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW);
	MUST(getnameinfo((struct sockaddr *)&at, 3, host, sizeof(host), NULL, 0, NI_NUMERICHOST) == EAI_FAMILY);
	MUST(getnameinfo((struct sockaddr *)&at, sizeof(at), NULL, 0, NULL, 0, NI_NAMEREQD) == EAI_NONAME);
}

static void own_name(void)
{
	struct utsname machine;
	char name[65], small[3];

	MUST(gethostname(name, sizeof(name)) == 0 && uname(&machine) == 0 && strcmp(name, machine.nodename) == 0);
	FAILS(gethostname(small, sizeof(small)), ENAMETOOLONG);
}

/* In a lab: its hosts, and nobody else. */
static void hosts(void)
{
	struct in_addr ip;
	struct hostent *host;
	struct utsname machine;
	char name[8];

	MUST(uname(&machine) == 0 && strcmp(machine.nodename, "server") == 0);
	MUST(is_v4(host = gethostbyname("laptop"), "10.0.1.2") && strcmp(host->h_name, "laptop") == 0 && host->h_addr_list[1]);
	MUST((host = gethostbyname2("laptop", AF_INET6)) && host->h_length == 16 && !host->h_addr_list[1]);
	MUST(gethostbyname_r("laptop", &entry, room, sizeof(room), &found, &why) == 0 && found == &entry);
	MUST(is_v4(found, "10.0.1.2") && found->h_addr_list[1] && !found->h_addr_list[2]);
	MUST(gethostbyname_r("laptop", &entry, room, 20, &found, &why) == ERANGE && !found);
	MUST(inet_pton(AF_INET, "10.0.2.2", &ip) == 1);
	MUST((host = gethostbyaddr(&ip, sizeof(ip), AF_INET)) && strcmp(host->h_name, "laptop") == 0);
	MUST(gethostbyaddr_r(&ip, sizeof(ip), AF_INET, &entry, room, sizeof(room), &found, &why) == 0);
	MUST(found == &entry && strcmp(found->h_name, "laptop") == 0 && is_v4(found, "10.0.2.2"));
	h_errno = 0;
	MUST(!gethostbyname("example.com") && h_errno == HOST_NOT_FOUND);
	gethostbyname_r("example.com", &entry, room, sizeof(room), &found, &why);
	MUST(!found && why == HOST_NOT_FOUND);
	MUST(gethostname(name, sizeof(name)) == 0 && strcmp(name, "server") == 0);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {
		{"numbers", numbers}, {"numeric-info", numeric_info}, {"own-name", own_name}, {"hosts", hosts}, {0}};

	return keep_one(promises, argc, argv);
}
