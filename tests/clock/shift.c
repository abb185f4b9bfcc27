/* Moves the time of day, for a program and all that it starts, by as many seconds as a file says.
 *
 * Loaded by LD_PRELOAD. CLOCK_SHIFT names a file of eight bytes, a number in the machine's order; it is mapped, so that a new number holds
 * at once. Only the time of day moves: what counts from the machine's start goes on, as when somebody sets the clock. The times of files move with it,
 * and a wait until a time of day waits until the machine's own clock is there.
 *
 * libfaketime 0.9.10 moves both clocks, or breaks sleeping: Python then waits for ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define REAL(name) ((__typeof__(&name))real(#name, &(static_##name)))
#define DECLARE(name) static void *static_##name

static volatile int64_t none = 0;
static volatile int64_t *shift = &none;

static void *real(const char *name, void **kept) {
    if (*kept == NULL) *kept = dlsym(RTLD_NEXT, name);
    return *kept;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) shift = found;
    close(file);
}

/* The machine's time for a moment that the program names. What counts from the machine's start is smaller by far: 30 years. */
static const struct timespec *machines(const struct timespec *told, struct timespec *own) {
    if (told == NULL || told->tv_sec < 1000000000) return told;
    *own = *told;
    own->tv_sec -= *shift;
    return own;
}

DECLARE(clock_gettime);
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = REAL(clock_gettime)(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)) now->tv_sec += *shift;
    return failed;
}

DECLARE(gettimeofday);
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int failed = REAL(gettimeofday)(now, zone);
    if (!failed) now->tv_sec += *shift;
    return failed;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept != NULL) *kept = now.tv_sec;
    return now.tv_sec;
}

DECLARE(timespec_get);
int timespec_get(struct timespec *now, int base) {
    int found = REAL(timespec_get)(now, base);
    if (found == TIME_UTC) now->tv_sec += *shift;
    return found;
}

/* Times of files. */

static int moved(int failed, struct stat *found) {
    if (!failed) {
        found->st_atim.tv_sec += *shift;
        found->st_mtim.tv_sec += *shift;
        found->st_ctim.tv_sec += *shift;
    }
    return failed;
}

DECLARE(stat);
int stat(const char *restrict path, struct stat *restrict found) { return moved(REAL(stat)(path, found), found); }
DECLARE(lstat);
int lstat(const char *restrict path, struct stat *restrict found) { return moved(REAL(lstat)(path, found), found); }
DECLARE(fstat);
int fstat(int file, struct stat *found) { return moved(REAL(fstat)(file, found), found); }
DECLARE(fstatat);
int fstatat(int folder, const char *restrict path, struct stat *restrict found, int flags) {
    return moved(REAL(fstatat)(folder, path, found, flags), found);
}
/* On 64-bit machines the same. */
int stat64(const char *restrict path, struct stat64 *restrict found) { return stat(path, (struct stat *)found); }
int lstat64(const char *restrict path, struct stat64 *restrict found) { return lstat(path, (struct stat *)found); }
int fstat64(int file, struct stat64 *found) { return fstat(file, (struct stat *)found); }
int fstatat64(int folder, const char *restrict path, struct stat64 *restrict found, int flags) {
    return fstatat(folder, path, (struct stat *)found, flags);
}
/* As programs call them that were built for a C library before 2.33. */
int __xstat(int version, const char *path, struct stat *found) { (void)version; return stat(path, found); }
int __lxstat(int version, const char *path, struct stat *found) { (void)version; return lstat(path, found); }
int __fxstat(int version, int file, struct stat *found) { (void)version; return fstat(file, found); }
int __fxstatat(int version, int folder, const char *path, struct stat *found, int flags) { (void)version; return fstatat(folder, path, found, flags); }
int __xstat64(int version, const char *path, struct stat64 *found) { return __xstat(version, path, (struct stat *)found); }
int __lxstat64(int version, const char *path, struct stat64 *found) { return __lxstat(version, path, (struct stat *)found); }
int __fxstat64(int version, int file, struct stat64 *found) { return __fxstat(version, file, (struct stat *)found); }
int __fxstatat64(int version, int folder, const char *path, struct stat64 *found, int flags) {
    return __fxstatat(version, folder, path, (struct stat *)found, flags);
}

DECLARE(statx);
int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    int failed = REAL(statx)(folder, path, flags, mask, found);
    if (!failed) {
        found->stx_atime.tv_sec += *shift;
        found->stx_mtime.tv_sec += *shift;
        found->stx_ctime.tv_sec += *shift;
        found->stx_btime.tv_sec += *shift;
    }
    return failed;
}

static const struct timespec *machines_pair(const struct timespec told[2], struct timespec own[2]) {
    if (told == NULL) return NULL;
    for (int one = 0; one < 2; one++) {
        own[one] = told[one];
        if (told[one].tv_nsec != UTIME_NOW && told[one].tv_nsec != UTIME_OMIT) own[one].tv_sec -= *shift;
    }
    return own;
}

DECLARE(utimensat);
int utimensat(int folder, const char *path, const struct timespec told[2], int flags) {
    struct timespec own[2];
    return REAL(utimensat)(folder, path, machines_pair(told, own), flags);
}

DECLARE(futimens);
int futimens(int file, const struct timespec told[2]) {
    struct timespec own[2];
    return REAL(futimens)(file, machines_pair(told, own));
}

DECLARE(utimes);
int utimes(const char *path, const struct timeval told[2]) {
    if (told == NULL) return REAL(utimes)(path, NULL);
    struct timeval own[2] = {{told[0].tv_sec - *shift, told[0].tv_usec}, {told[1].tv_sec - *shift, told[1].tv_usec}};
    return REAL(utimes)(path, own);
}

DECLARE(utime);
int utime(const char *path, const struct utimbuf *told) {
    if (told == NULL) return REAL(utime)(path, NULL);
    struct utimbuf own = {told->actime - *shift, told->modtime - *shift};
    return REAL(utime)(path, &own);
}

/* Waits until a time of day. */

DECLARE(pthread_cond_timedwait);
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec own;
    return REAL(pthread_cond_timedwait)(condition, mutex, machines(until, &own));
}

DECLARE(pthread_cond_clockwait);
int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until) {
    struct timespec own;
    return REAL(pthread_cond_clockwait)(condition, mutex, clock, machines(until, &own));
}

DECLARE(pthread_mutex_timedlock);
int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec own;
    return REAL(pthread_mutex_timedlock)(mutex, machines(until, &own));
}

DECLARE(pthread_mutex_clocklock);
int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock, const struct timespec *restrict until) {
    struct timespec own;
    return REAL(pthread_mutex_clocklock)(mutex, clock, machines(until, &own));
}

DECLARE(sem_timedwait);
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec own;
    return REAL(sem_timedwait)(semaphore, machines(until, &own));
}

DECLARE(sem_clockwait);
int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
    struct timespec own;
    return REAL(sem_clockwait)(semaphore, clock, machines(until, &own));
}

DECLARE(clock_nanosleep);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *told, struct timespec *left) {
    struct timespec own;
    return REAL(clock_nanosleep)(clock, flags, flags & TIMER_ABSTIME ? machines(told, &own) : told, left);
}

DECLARE(timerfd_settime);
int timerfd_settime(int file, int flags, const struct itimerspec *told, struct itimerspec *before) {
    if (told == NULL || !(flags & TFD_TIMER_ABSTIME)) return REAL(timerfd_settime)(file, flags, told, before);
    struct itimerspec own = *told;
    own.it_value = *machines(&told->it_value, &own.it_value);
    return REAL(timerfd_settime)(file, flags, &own, before);
}
