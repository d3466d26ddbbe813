/* mock_http.h - a server on loopback that does what a test tells it to: slow, cut off, wrong.
 *
 * A thread for each connection reads requests and calls `serve`, which writes what it likes. The requests are
 * kept, in order of arrival. One program includes this once.
 */
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOCK_CONNECTIONS = 512, MOCK_REQUESTS = 20000 };

struct mock {
    /* Answers `path` (what stands between GET and HTTP/1.1) on fd; false = close the connection then. */
    bool (*serve)(struct mock *m, int fd, const char *path, const char *headers);
    void *arg;
    int port;

    int listening;
    pthread_t thread, workers[MOCK_CONNECTIONS];
    int fds[MOCK_CONNECTIONS];
    pthread_mutex_t lock;
    size_t connections, requests;
    int in_flight, max_in_flight;
    char *paths[MOCK_REQUESTS];
    int64_t at_us[MOCK_REQUESTS];
};

struct mock_worker {
    struct mock *m;
    size_t i;
};

static int64_t mock_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline void mock_sleep_ms(int ms)
{
    poll(NULL, 0, ms);
}

static void mock_send(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return;
        p += k, n -= (size_t)k;
    }
}

/* An answer with its right length; headers as "Name: value\r\n..." */
static inline bool mock_say(int fd, int status, const char *headers, const char *body)
{
    char head[2048];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
                     strlen(body), headers);
    mock_send(fd, head, (size_t)n);
    mock_send(fd, body, strlen(body));
    return true;
}

/* Just these bytes, then the end. */
static inline bool mock_raw(int fd, const char *bytes)
{
    mock_send(fd, bytes, strlen(bytes));
    return false;
}

static inline bool mock_reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    return false;
}

static void mock_one(struct mock *m, int fd, char *request, bool *go_on)
{
    char *path = strchr(request, ' '), *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end) {
        *go_on = false;
        return;
    }
    *path++ = '\0', *end = '\0';
    pthread_mutex_lock(&m->lock);
    if (m->requests < MOCK_REQUESTS) {
        m->at_us[m->requests] = mock_now_us();
        m->paths[m->requests++] = strdup(path);
    }
    if (++m->in_flight > m->max_in_flight)
        m->max_in_flight = m->in_flight;
    pthread_mutex_unlock(&m->lock);
    *go_on = m->serve(m, fd, path, end + 1);
    pthread_mutex_lock(&m->lock);
    m->in_flight--;
    pthread_mutex_unlock(&m->lock);
}

int __real_close(int fd);

/* Not one of the calls that fault.h makes fail. */
static void mock_close(int fd)
{
    __real_close(fd);
}

static void *mock_worker_run(void *arg)
{
    struct mock_worker w = *(struct mock_worker *)arg;
    int fd = w.m->fds[w.i];
    char request[8192];
    bool go_on = true;
    free(arg);
    while (go_on) {
        size_t n = 0;
        ssize_t k = 0;
        while (n < sizeof request - 1 && (k = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0) {
            n += (size_t)k;
            request[n] = '\0';
            if (strstr(request, "\r\n\r\n"))
                break;
        }
        if (k <= 0)
            break;
        mock_one(w.m, fd, request, &go_on);
    }
    pthread_mutex_lock(&w.m->lock);
    w.m->fds[w.i] = -1;
    mock_close(fd);
    pthread_mutex_unlock(&w.m->lock);
    return NULL;
}

static void *mock_accept(void *arg)
{
    struct mock *m = arg;
    for (int fd; (fd = accept(m->listening, NULL, NULL)) >= 0;) {
        struct mock_worker *w = malloc(sizeof *w);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        pthread_mutex_lock(&m->lock);
        size_t i = m->connections;
        bool room = w && i < MOCK_CONNECTIONS;
        if (room) {
            m->fds[i] = fd;
            *w = (struct mock_worker){m, i};
            room = pthread_create(&m->workers[i], NULL, mock_worker_run, w) == 0;
            m->connections += room;
        }
        pthread_mutex_unlock(&m->lock);
        if (!room) {
            mock_close(fd);
            free(w);
        }
    }
    return NULL;
}

static bool mock_start(struct mock *m)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    pthread_mutex_init(&m->lock, NULL);
    m->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (m->listening < 0 || bind(m->listening, (struct sockaddr *)&at, n) != 0 ||
        listen(m->listening, 64) != 0 || getsockname(m->listening, (struct sockaddr *)&at, &n) != 0)
        return false;
    m->port = ntohs(at.sin_port);
    return pthread_create(&m->thread, NULL, mock_accept, m) == 0;
}

static void mock_stop(struct mock *m)
{
    shutdown(m->listening, SHUT_RDWR);
    pthread_join(m->thread, NULL);
    mock_close(m->listening);
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->connections; i++)
        if (m->fds[i] >= 0)
            shutdown(m->fds[i], SHUT_RDWR);
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < m->connections; i++)
        pthread_join(m->workers[i], NULL);
    for (size_t i = 0; i < m->requests; i++)
        free(m->paths[i]);
    pthread_mutex_destroy(&m->lock);
}

/* How often this path was asked for. */
static inline size_t mock_asked(struct mock *m, const char *path)
{
    size_t n = 0;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->requests; i++)
        n += strcmp(m->paths[i], path) == 0;
    pthread_mutex_unlock(&m->lock);
    return n;
}
