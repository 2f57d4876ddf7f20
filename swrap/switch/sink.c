/* The switch's end of the ring, and the birth of the writer. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUCH (SW_RING / 8)

struct sw_sink {
	struct sw_ring *ring;
	uint8_t *data; /* twice in a row, so that room never ends in the middle */
	int pipe, pidfd;
	int file; /* a look at it, for the case that its writer cannot end it */
};

/* map() - The ring: its head in shared memory, and its bytes mapped twice behind each other. */
static int map(struct sw_sink *s)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = memfd_create("capture", MFD_CLOEXEC);
	void *head = mmap(NULL, sizeof(*s->ring), rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *data;
	int r = -errno;

	s->ring = head == MAP_FAILED ? NULL : head;
	data = mmap(NULL, 2 * (size_t)SW_RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->data = data == MAP_FAILED ? NULL : data;
	if (fd >= 0 && s->ring && s->data) {
		if (ftruncate(fd, SW_RING) == 0 &&
		    mmap(s->data, SW_RING, rw, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
		    mmap(s->data + SW_RING, SW_RING, rw, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED)
			r = 0;
		else
			r = -errno;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static void unmap(struct sw_sink *s)
{
	if (s->ring)
		munmap(s->ring, sizeof(*s->ring));
	if (s->data)
		munmap(s->data, 2 * (size_t)SW_RING);
}

/*
 * child() - The writer's whole life. It has no fd but the file and the pipe: it must not keep a flow's end open, and the
 * switch's own signals mean nothing to it, since its end is that of the pipe.
 */
static _Noreturn void child(struct sw_sink *s, int file, int pipe)
{
	const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
	sigset_t none;

	for (unsigned int i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "swrap-capture");
	/* Above both first, so that neither is in the other's way. */
	file = fcntl(file, F_DUPFD, 10);
	pipe = fcntl(pipe, F_DUPFD, 10);
	dup2(file, 0);
	dup2(pipe, 1);
	close_range(2, ~0u, 0);
	sw_writer(s->ring, s->data, 0, 1);
	_exit(0);
}

int sw_sink_open(int file, struct sw_sink **out)
{
	struct sw_sink *s = calloc(1, sizeof(*s));
	int pipe[2] = {-1, -1}, r;
	pid_t pid = -1;

	if (!s)
		return -ENOMEM;
	s->pidfd = -1;
	s->file = fcntl(file, F_DUPFD_CLOEXEC, 0);
	r = s->file < 0 ? -errno : map(s);
	if (r == 0 && pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0 && (pid = fork()) < 0)
		r = -errno;
	if (pid == 0)
		child(s, file, pipe[0]);
	if (pid > 0 && (s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0)
		r = -errno;
	s->pipe = pipe[1];
	if (pipe[0] >= 0)
		close(pipe[0]);
	if (r < 0) {
		if (s->pipe >= 0)
			close(s->pipe);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		if (s->file >= 0)
			close(s->file);
		unmap(s);
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

uint8_t *sw_sink_room(struct sw_sink *s, uint32_t n)
{
	uint64_t used = s->ring->head - __atomic_load_n(&s->ring->tail, __ATOMIC_ACQUIRE);

	return used + n <= SW_RING ? s->data + s->ring->head % SW_RING : NULL;
}

void sw_sink_commit(struct sw_sink *s, uint32_t n)
{
	uint64_t head = s->ring->head + n;
	uint32_t asleep;

	/* Sequentially consistent, as the writer's: one of us sees what the other did. */
	__atomic_store_n(&s->ring->head, head, __ATOMIC_SEQ_CST);
	asleep = __atomic_load_n(&s->ring->asleep, __ATOMIC_SEQ_CST);
	if (asleep == SW_ASLEEP ||
	    (asleep == SW_NAPPING && head - __atomic_load_n(&s->ring->tail, __ATOMIC_RELAXED) > MUCH)) {
		__atomic_store_n(&s->ring->asleep, 0, __ATOMIC_SEQ_CST);
		/* A full pipe wakes as well. */
		if (write(s->pipe, "", 1) < 0)
			return;
	}
}

int sw_sink_pidfd(const struct sw_sink *s)
{
	return s->pidfd;
}

void sw_sink_finish(struct sw_sink *s)
{
	if (s->pipe >= 0)
		close(s->pipe);
	s->pipe = -1;
}

int sw_sink_close(struct sw_sink *s, uint64_t *written)
{
	siginfo_t how = {0};
	int error;

	sw_sink_finish(s);
	while (waitid(P_PIDFD, (id_t)s->pidfd, &how, WEXITED) < 0 && errno == EINTR)
		;
	/* One that was killed has said nothing. */
	error = s->ring->error ? s->ring->error : how.si_code == CLD_EXITED ? 0 : EINTR;
	*written = s->ring->written;
	/* And it may have died within a block. A pipe is not cut, and its reader has had it. */
	if (how.si_code != CLD_EXITED && ftruncate(s->file, (off_t)*written) < 0)
		error = EINTR;
	close(s->file);
	close(s->pidfd);
	unmap(s);
	free(s);
	return -error;
}
