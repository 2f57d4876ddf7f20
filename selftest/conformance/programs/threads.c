/* Many threads at once: no call of one keeps another waiting, and none of them loses a connection. */
#include "around.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS 50

static struct sockaddr_in at;
static int listener;

static void *clients(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = dial(&at);
		struct sockaddr_in own = name_of(fd, getsockname), seen;

		MUST(recv(fd, &seen, sizeof(seen), MSG_WAITALL) == sizeof(seen) && same(&own, &seen));
		MUST(send(fd, &own, sizeof(own), 0) == sizeof(own));
		MUST(shutdown(fd, SHUT_WR) == 0 && recv(fd, &seen, 1, 0) == 0);
		close(fd);
	}
	return unused;
}

static void *servers(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct sockaddr_in peer = {0}, said;
		socklen_t len = sizeof(peer);
		int fd = accept(listener, (struct sockaddr *)&peer, &len);

		MUST(fd >= 0);
		MUST(send(fd, &peer, sizeof(peer), 0) == sizeof(peer));
		MUST(recv(fd, &said, sizeof(said), MSG_WAITALL) == sizeof(said) && same(&said, &peer));
		MUST(recv(fd, &said, 1, 0) == 0);
		close(fd);
	}
	return unused;
}

static void storm(void)
{
	pthread_t threads[THREADS];

	listener = listening(&at, THREADS);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, i % 2 ? clients : servers, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
}

/* Each for itself: sockets, listeners, connections and their ends, in every thread. */
static void *alone(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		int ends[2];

		pair(ends);
		talk(ends[0], ends[1]);
		close(ends[0]);
		close(ends[1]);
	}
	return unused;
}

static void each_alone(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, alone, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
}

static void *accepts(void *unused)
{
	int *taken = malloc(sizeof(*taken));

	(void)unused;
	MUST(taken && (*taken = accept(listener, NULL, NULL)) >= 0);
	return taken;
}

/* One thread sleeps in accept while another makes a whole connection elsewhere, and then the one that is awaited. */
static void blocked(void)
{
	pthread_t thread;
	void *taken;
	int ends[2], fd;

	listener = listening(&at, 1);
	MUST(pthread_create(&thread, NULL, accepts, NULL) == 0);
	pair(ends);
	talk(ends[1], ends[0]);
	fd = dial(&at);
	MUST(pthread_join(thread, &taken) == 0);
	talk(fd, *(int *)taken);
	free(taken);
}

static void *receives(void *fd)
{
	char word[4];

	MUST(recv(*(int *)fd, word, 4, MSG_WAITALL) == 4);
	return NULL;
}

/* One reads while another writes, on one socket. */
static void duplex(void)
{
	pthread_t thread;
	int ends[2];

	pair(ends);
	MUST(pthread_create(&thread, NULL, receives, &ends[0]) == 0);
	talk(ends[0], ends[1]);
	MUST(send(ends[1], "back", 4, 0) == 4);
	MUST(pthread_join(thread, NULL) == 0);
}

static ssize_t by_recv(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0);
}

static ssize_t by_read(int fd)
{
	char byte;

	return read(fd, &byte, 1);
}

static ssize_t (*const receivers[])(int) = {by_recv, by_read};

static void *waits(void *ends)
{
	receivers[((int *)ends)[2]](((int *)ends)[0]);
	return NULL;
}

/* Who waits for what never comes can be cancelled. */
static void cancelled(void)
{
	pthread_t thread;
	void *result;
	int ends[3];

	pair(ends);
	for (ends[2] = 0; ends[2] < 2; ends[2]++) {
		MUST(pthread_create(&thread, NULL, waits, ends) == 0);
		MUST(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	}
}

static void last_words(void *unused)
{
	(void)unused;
	puts("kept");
	fflush(stdout);
	_exit(0);
}

/* Also the only thread that there is, by itself: then its next call is its last. */
static void cancels_itself(void)
{
	int ends[2];

	pair(ends);
	MUST(write(ends[0], "?", 1) == 1); /* by which the way of such calls may have been chosen */
	pthread_cleanup_push(last_words, NULL);
	MUST(pthread_cancel(pthread_self()) == 0);
	MUST(write(ends[0], "!", 1) == 1);
	pthread_cleanup_pop(0);
	MUST(!"cancelled");
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {
		{"storm", storm},	  {"each-alone", each_alone},		 {"blocked-accept", blocked}, {"duplex", duplex},
		{"cancelled", cancelled}, {"cancels-itself", cancels_itself}, {0}};

	return keep_one(promises, argc, argv);
}
