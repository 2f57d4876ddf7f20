/*
 * More flows than one process may have descriptors: a thread counts its own, once it has a table of them to itself.
 *
 * The switch is one thread of control in as many tables as it takes. It is *in* one of them at a time, and only there
 * can it read, write, open or close what that table holds; memory is the same in all. sw_in() goes into another one for
 * the length of a call, as into a function: that table's thread runs it while all others sleep. So nothing is locked,
 * and a fault is one step. Table 0 is the main thread's: it has the door, the datagram sockets and the control side, it
 * does all the waiting, and there is no other table until its own is nearly full.
 *
 * A flow lives in the table in which it was accepted, both sides of it.
 */
#ifndef SW_TABLE_H
#define SW_TABLE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct sw;
struct sw_call;

#define SW_TABLES 256

struct sw_table {
	int epoll;       /* also in table 0, which waits for it there */
	int pipe[2];     /* for splices */
	uint32_t n_flows;
	struct sw_list ready; /* halves whose turn it is */
	struct sw_list resets; /* flows of which the programs are still to be told */
	bool fired;      /* its epoll has something */
	pthread_t thread;
	sem_t turn;      /* posted where control comes to it, or back */
	struct sw_call *call; /* what for; NULL: one of its own has returned */
	bool leave;
	int error;       /* -errno: it never began */
};

typedef void sw_work(struct sw *sw, void *argument);

int sw_tables_init(struct sw *sw);
/* sw_tables_free() - Threads and their tables end, and with them all that is only there: flows with a reset. */
void sw_tables_free(struct sw *sw);
/* sw_table_add() - One more; 0, or -errno where the machine does not allow it. */
int sw_table_add(struct sw *sw);
/* sw_in() - Call @work in @table, and return when it has returned. */
void sw_in(struct sw *sw, uint32_t table, sw_work *work, void *argument);
/* sw_everywhere() - Call @work in each table. */
void sw_everywhere(struct sw *sw, sw_work *work, void *argument);

#endif
