/* Tables of descriptors, and how control goes from one to another (table.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "switch.h"

struct sw_call {
	sw_work *work;
	void *argument;
	uint32_t from;
	bool done;
};

/* begin() - What each table has of its own. */
static int begin(struct sw_table *table)
{
	if (pipe2(table->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fcntl(table->pipe[1], F_SETPIPE_SZ, 4 * SW_SPLICE); /* or else the default does */
	return 0;
}

/* enter() - From now on the switch is in @table. */
static void enter(struct sw *sw, uint32_t table)
{
	sw->here = table;
	sw->epoll = sw->tables[table].epoll;
	sw->pipe = sw->tables[table].pipe;
}

/* serve() - Until @done: who calls into table @me is served. */
static void serve(struct sw *sw, uint32_t me, const bool *done)
{
	struct sw_table *own = &sw->tables[me];

	while (!*done) {
		struct sw_call *call;

		while (sem_wait(&own->turn) < 0)
			; /* a signal */
		call = own->call;
		own->call = NULL;
		if (!call)
			continue;
		call->work(sw, call->argument);
		call->done = true;
		enter(sw, call->from);
		sem_post(&sw->tables[call->from].turn);
	}
}

void sw_in(struct sw *sw, uint32_t table, sw_work *work, void *argument)
{
	struct sw_call call = {.work = work, .argument = argument, .from = sw->here};

	if (table == sw->here) {
		work(sw, argument);
		return;
	}
	sw->tables[table].call = &call;
	enter(sw, table);
	sem_post(&sw->tables[table].turn);
	serve(sw, call.from, &call.done);
}

void sw_everywhere(struct sw *sw, sw_work *work, void *argument)
{
	for (uint32_t table = 0; table < sw->n_tables; table++)
		sw_in(sw, table, work, argument);
}

/* part() - A table of our own, in which nothing is but @a, @b and the standard streams; 0 or -errno. */
static int part(unsigned int a, unsigned int b)
{
	unsigned int low = a < b ? a : b, high = a < b ? b : a;

	if (close_range(high + 1, ~0u, CLOSE_RANGE_UNSHARE) < 0 ||
	    (low > 3 && close_range(3, low - 1, 0) < 0) ||
	    (low + 1 < high && close_range(low + 1, high - 1, 0) < 0))
		return -errno;
	return 0;
}

struct birth {
	struct sw *sw;
	uint32_t table;
	sem_t made;
};

static void *live(void *argument)
{
	struct birth *birth = argument;
	struct sw *sw = birth->sw;
	uint32_t me = birth->table;
	struct sw_table *own = &sw->tables[me];

	own->error = part((unsigned int)sw->door, (unsigned int)own->epoll);
	if (own->error == 0)
		own->error = begin(own);
	own->leave = own->error < 0;
	sem_post(&birth->made);
	serve(sw, me, &own->leave);
	return NULL;
}

/* start() - The thread of a table whose epoll there is, deaf to signals: those are the main thread's. */
static int start(struct sw *sw, uint32_t number)
{
	struct sw_table *table = &sw->tables[number];
	struct birth birth = {.sw = sw, .table = number};
	sigset_t all, before;
	int error;

	sem_init(&birth.made, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&table->thread, NULL, live, &birth);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	while (sem_wait(&birth.made) < 0)
		;
	sem_destroy(&birth.made);
	if (table->error < 0)
		pthread_join(table->thread, NULL);
	return table->error;
}

int sw_table_add(struct sw *sw)
{
	struct sw_table *table = &sw->tables[sw->n_tables];
	uint64_t key = sw_epoll_key(SW_EPOLL_TABLE, 0, sw->n_tables);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = key};
	int r;

	if (sw->n_tables == SW_TABLES)
		return -EMFILE;
	*table = (struct sw_table){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	if (table->epoll < 0)
		return -errno;
	sw_list_init(&table->ready);
	sw_list_init(&table->resets);
	sem_init(&table->turn, 0, 0);
	r = epoll_ctl(sw->tables[0].epoll, EPOLL_CTL_ADD, table->epoll, &e) < 0 ? -errno : start(sw, sw->n_tables);
	if (r < 0) {
		sem_destroy(&table->turn);
		close(table->epoll);
		return r;
	}
	sw->n_tables++;
	return 0;
}

int sw_tables_init(struct sw *sw)
{
	struct sw_table *first = &sw->tables[0];
	int r;

	sw->n_tables = 1;
	sw_list_init(&first->ready);
	sw_list_init(&first->resets);
	sem_init(&first->turn, 0, 0);
	first->pipe[0] = first->pipe[1] = -1;
	first->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = first->epoll < 0 ? -errno : begin(first);
	enter(sw, 0);
	return r;
}

void sw_tables_free(struct sw *sw)
{
	for (uint32_t i = sw->n_tables; i-- > 1;) {
		struct sw_table *table = &sw->tables[i];

		table->leave = true;
		sem_post(&table->turn);
		pthread_join(table->thread, NULL);
		sem_destroy(&table->turn);
		close(table->epoll);
	}
	for (int i = 0; i < 2 && sw->n_tables > 0; i++)
		if (sw->tables[0].pipe[i] >= 0)
			close(sw->tables[0].pipe[i]);
	if (sw->n_tables > 0 && sw->tables[0].epoll >= 0)
		close(sw->tables[0].epoll);
}
