/* Make chosen fsync and fdatasync calls fail, as a broken disk does. LD_PRELOAD loads it.
 *
 * CHAOS_FSYNC_PATHS: count only calls on files whose path contains this text.
 * CHAOS_FSYNC_FAILS: the numbers of the calls that fail, such as "5,9".
 * CHAOS_FSYNC_TRACE: a file; each call appends a line "failed <path>" or "synced <path>".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int calls;

static int is_chosen(int number) {
    const char *list = getenv("CHAOS_FSYNC_FAILS");
    while (list != NULL && *list != '\0') {
        char *end;
        if (strtol(list, &end, 10) == number) return 1;
        list = *end == ',' ? end + 1 : NULL;
    }
    return 0;
}

static void trace(const char *what, const char *path) {
    const char *name = getenv("CHAOS_FSYNC_TRACE");
    char line[PATH_MAX + 16];
    int file;
    if (name == NULL || (file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) return;
    int length = snprintf(line, sizeof line, "%s %s\n", what, path);
    if (write(file, line, (size_t)length) != length) abort();
    close(file);
}

static int sync_or_fail(const char *function, int handle) {
    const char *wanted = getenv("CHAOS_FSYNC_PATHS");
    char link[64], path[PATH_MAX];
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (wanted == NULL || length < 0) return real(handle);
    path[length] = '\0';
    if (strstr(path, wanted) == NULL) return real(handle);
    if (is_chosen(atomic_fetch_add(&calls, 1) + 1)) {
        trace("failed", path);
        errno = EIO;
        return -1;
    }
    int result = real(handle);
    if (result == 0) trace("synced", path);
    return result;
}

int fsync(int handle) { return sync_or_fail("fsync", handle); }

int fdatasync(int handle) { return sync_or_fail("fdatasync", handle); }
