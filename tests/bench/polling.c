/* Makes a program poll instead of sleeping in epoll_wait; loaded into the load generator by LD_PRELOAD.
 *
 * Waking a process that sleeps on another core costs whoever wakes it: 5 to 7 microseconds in a virtual machine, as much as a third of an
 * answer. A load that keeps up with its server sleeps between answers, one that does not never sleeps; so the slower of two servers would pay
 * for the waking and the faster one not. On a network neither would.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/epoll.h>
#include <time.h>

static int (*wait_asleep)(int, struct epoll_event *, int, int);

static long milliseconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

int epoll_wait(int poller, struct epoll_event *events, int events_max, int timeout_ms) {
  if (!wait_asleep) wait_asleep = dlsym(RTLD_NEXT, "epoll_wait");
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    int found = wait_asleep(poller, events, events_max, 0);
    if (found != 0) return found;
    if (timeout_ms >= 0 && milliseconds_since(&start) >= timeout_ms) return 0;
  }
}
