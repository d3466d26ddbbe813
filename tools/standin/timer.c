#include "timer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "clock.h"

struct sleeper {
    uint64_t until;
    struct MHD_Connection *connection;
};

struct timer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* there is an earlier deadline, or the end */
    bool stopped;
    struct sleeper *heap; /* the earliest first */
    size_t n, cap;
};

static void swap(struct sleeper *a, struct sleeper *b)
{
    struct sleeper t = *a;
    *a = *b;
    *b = t;
}

static void heap_push(struct timer *t, struct sleeper s)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct sleeper *heap = must_alloc(cap, sizeof *heap);
        if (t->n)
            memcpy(heap, t->heap, t->n * sizeof *heap);
        free(t->heap);
        t->heap = heap;
        t->cap = cap;
    }
    t->heap[t->n++] = s;
    for (size_t i = t->n - 1; i && t->heap[i].until < t->heap[(i - 1) / 2].until; i = (i - 1) / 2)
        swap(&t->heap[i], &t->heap[(i - 1) / 2]);
}

static struct sleeper heap_pop(struct timer *t)
{
    struct sleeper top = t->heap[0];
    t->heap[0] = t->heap[--t->n];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1;
        for (size_t k = left; k < left + 2 && k < t->n; k++)
            if (t->heap[k].until < t->heap[least].until)
                least = k;
        if (least == i)
            return top;
        swap(&t->heap[i], &t->heap[least]);
        i = least;
    }
}

static void wait_for_change(struct timer *t)
{
    if (!t->n) {
        pthread_cond_wait(&t->changed, &t->lock);
        return;
    }
    struct timespec at = {
        .tv_sec = (time_t)(t->heap[0].until / NS_PER_S),
        .tv_nsec = (long)(t->heap[0].until % NS_PER_S),
    };
    pthread_cond_timedwait(&t->changed, &t->lock, &at);
}

static void *run(void *arg)
{
    struct timer *t = arg;
    prctl(PR_SET_TIMERSLACK, 1); /* wake within microseconds, not 50 of them later */
    pthread_mutex_lock(&t->lock);
    while (!t->stopped) {
        if (t->n && t->heap[0].until <= clock_ns())
            MHD_resume_connection(heap_pop(t).connection);
        else
            wait_for_change(t);
    }
    while (t->n)
        MHD_resume_connection(heap_pop(t).connection);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

bool timer_start(struct timer **ret, struct err *e)
{
    struct timer *t = must_alloc(1, sizeof *t);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&t->lock, NULL);
    int failed = pthread_create(&t->thread, NULL, run, t);
    if (failed) {
        free(t);
        return fail(e, "cannot start a thread: %s", strerror(failed));
    }
    *ret = t;
    return true;
}

bool timer_sleep(struct timer *t, struct MHD_Connection *c, uint64_t until)
{
    pthread_mutex_lock(&t->lock);
    bool sleeps = !t->stopped;
    if (sleeps) {
        MHD_suspend_connection(c);
        heap_push(t, (struct sleeper){.until = until, .connection = c});
        if (t->heap[0].connection == c)
            pthread_cond_signal(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
    return sleeps;
}

void timer_stop(struct timer *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopped = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
}

void timer_free(struct timer *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
    free(t->heap);
    free(t);
}
