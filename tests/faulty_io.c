/* Makes the N-th write, sync, rename or mkdir of a process fail, or writes all of them down.
   Loaded with LD_PRELOAD by the tests of rows 5, 6, 7 and 20. Built on the fly. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long at = 0, seen = 0, lasting = 0;
static int with = 0;
static char below[4096] = "";
static int log_fd = -1;

void faulty_arm(long n, int error, int stay, const char *folder) {
    seen = 0; at = n; with = error; lasting = stay;
    snprintf(below, sizeof below, "%s", folder);
}
long faulty_seen(void) { return seen; }
void faulty_log(const char *path) {
    log_fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
}

static int ours_path(const char *path) { return below[0] && strstr(path, below) != NULL; }
static int path_of(int fd, char *out, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, size - 1);
    if (n < 0) return 0;
    out[n] = 0;
    return ours_path(out);
}
static int fails(void) {
    seen++;
    if (at && (seen == at || (lasting && seen >= at))) { errno = with; return 1; }
    return 0;
}
static void put(const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (real(log_fd, data, size) < 0) _exit(99);
}
static void note(char kind, const char *path, long long offset, const void *data, long long size) {
    if (log_fd < 0) return;
    long long head[3] = {(long long)strlen(path), offset, size};
    put(&kind, 1); put(head, sizeof head); put(path, strlen(path));
    if (data) put(data, (size_t)size);
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

static ssize_t pwritten(int fd, const void *data, size_t size, off_t offset, const char *name) {
    REAL(ssize_t, name, int, const void *, size_t, off_t);
    char path[4096];
    if (path_of(fd, path, sizeof path)) {
        if (fails()) return -1;
        note('w', path, offset, data, size);
    }
    return real(fd, data, size, offset);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwritten(fd, data, size, offset, "pwrite");
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
    return pwritten(fd, data, size, offset, "pwrite64");
}
ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    char path[4096];
    if (fd > 2 && fd != log_fd && path_of(fd, path, sizeof path)) {
        if (fails()) return -1;
        note('w', path, lseek(fd, 0, SEEK_CUR), data, size);
    }
    return real(fd, data, size);
}
int fsync(int fd) {
    REAL(int, "fsync", int);
    char path[4096];
    if (path_of(fd, path, sizeof path)) { if (fails()) return -1; note('s', path, 0, NULL, 0); }
    return real(fd);
}
int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    char path[4096];
    if (path_of(fd, path, sizeof path)) { if (fails()) return -1; note('s', path, 0, NULL, 0); }
    return real(fd);
}
static int cut(int fd, off_t size, const char *name) {
    REAL(int, name, int, off_t);
    char path[4096];
    if (path_of(fd, path, sizeof path)) { if (fails()) return -1; note('t', path, size, NULL, 0); }
    return real(fd, size);
}
int ftruncate(int fd, off_t size) { return cut(fd, size, "ftruncate"); }
int ftruncate64(int fd, off_t size) { return cut(fd, size, "ftruncate64"); }
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (ours_path(to)) {
        if (fails()) return -1;
        note('r', from, 0, to, (long long)strlen(to));
    }
    return real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    if (ours_path(path) && fails()) return -1;
    return real(path, mode);
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (ours_path(path)) note('u', path, 0, NULL, 0);
    return real(path);
}
