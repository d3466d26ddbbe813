#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "fault.h"
#include "test.h"

/* Two pipes to log into: [0] is where text_fd's lines come out, [1] file_fd's. */
static int ends[2][2];

static void logging(struct log_conf c)
{
    for (int i = 0; i < 2; i++)
        REQUIRE(pipe2(ends[i], O_NONBLOCK) == 0);
    if (c.text_fd == 0)
        c.text_fd = ends[0][1];
    if (c.file_fd == 0)
        c.file_fd = ends[1][1];
    log_setup(&c);
}

static void done(void)
{
    log_context(NULL, NULL);
    log_setup(&(struct log_conf){.text_fd = -1, .file_fd = -1});
    for (int i = 0; i < 2; i++)
        close(ends[i][0]), close(ends[i][1]);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Times become 00:00:00: a time is digits, dashes and colons where one is expected. */
static void mask(char *s)
{
    for (char *at = s; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        size_t from = strncmp(at, "{\"ts\":\"", 7) == 0 ? 7 : 0;
        size_t n = from ? strlen("2026-11-21T12:04:07.123Z") : strlen("12:04:07");
        for (size_t i = from; i < from + n && at[i] && at[i] != '\n'; i++)
            if (digit(at[i]))
                at[i] = '0';
    }
}

/* What has come out since the last look. */
static const char *out(int which)
{
    static char text[100000];
    size_t n = 0;
    ssize_t got;
    while ((got = read(ends[which][0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    mask(text);
    return text;
}

static void task_done(const char *cfile, int cline)
{
    log_fields(LOG_INFO, cfile, cline,
               (const struct kv[]){EV("task.done"), KV("rows", 1200), KV("secs", 1.5), {0}});
}

TEST(a_line_of_text)
{
    logging((struct log_conf){.min = LOG_INFO, .file_fd = -1});
    log_info(EV("task.done"), KV("task", "load"), KV("rows", 1200), KV("secs", 1.5));
    CHECK_STR(out(0), "00:00:00 INFO  task.done task=load rows=1200 secs=1.5\n");
    log_context("r-81", "load");
    task_done("src/run/task.c", 88);
    CHECK_STR(out(0), "00:00:00 INFO  task.done task=load rows=1200 secs=1.5\n");
    log_context("r-81", NULL);
    log_warn(EV("run.slow"));
    CHECK_STR(out(0), "00:00:00 WARN  run.slow\n");
    log_error(EV("run.failed"));
    CHECK_STR(out(0), "00:00:00 ERROR run.failed\n");
    log_debug(EV("http.get"));
    CHECK_STR(out(0), "");
    done();
}

TEST(a_line_of_json)
{
    logging((struct log_conf){.text_fd = -1, .min = LOG_INFO});
    log_context("r-81", "load");
    task_done("../src/run/task.c", 88);
    CHECK_STR(
        out(1),
        "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"info\",\"event\":\"task.done\",\"run\":\"r-81\","
        "\"task\":\"load\",\"rows\":1200,\"secs\":1.5,\"src\":\"run/task.c:88\"}\n");
    log_context(NULL, NULL);
    log_fields(LOG_DEBUG, "here.c", 1, (const struct kv[]){EV("http.get"), {0}});
    CHECK_STR(out(1), "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"debug\",\"event\":\"http.get\","
                      "\"src\":\"here.c:1\"}\n");
    log_context("r-1", "a");
    log_fields(LOG_WARN, "/usr/src/build/src/net/http.c", 2,
               (const struct kv[]){EV("x.y"), KV("task", "b"), KV("run", (const char *)NULL), {0}});
    CHECK_STR(out(1),
              "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"warn\",\"event\":\"x.y\",\"task\":\"b\","
              "\"run\":null,\"src\":\"net/http.c:2\"}\n");
    done();
}

TEST(the_time_is_now)
{
    char want[2][32], got[64];
    logging((struct log_conf){.file_fd = -1, .json = true});
    time_t before = time(NULL);
    log_info(EV("a.b"));
    time_t after = time(NULL);
    REQUIRE(read(ends[0][0], got, 31) == 31);
    got[26] = '\0'; /* without the fraction */
    struct tm tm;
    strftime(want[0], sizeof want[0], "%Y-%m-%dT%H:%M:%S", gmtime_r(&before, &tm));
    strftime(want[1], sizeof want[1], "%Y-%m-%dT%H:%M:%S", gmtime_r(&after, &tm));
    CHECK(strcmp(got + 7, want[0]) == 0 || strcmp(got + 7, want[1]) == 0);
    done();
}

TEST(values_in_text)
{
    static const struct {
        const char *label, *in, *want;
    } strings[] = {
        {"bare", "silver.movies", "silver.movies"},
        {"empty", "", "\"\""},
        {"none", NULL, "-"},
        {"spaces", "two words", "\"two words\""},
        {"quotes", "say \"hi\"", "\"say \\\"hi\\\"\""},
        {"an equals sign", "a=b", "\"a=b\""},
        {"a backslash", "a\\b", "\"a\\\\b\""},
        {"a newline", "a\nb", "\"a\\nb\""},
        {"an escape of a terminal", "\033[2J", "\"\\u001b[2J\""},
        {"utf-8", "caf\u00e9\u6620", "caf\u00e9\u6620"},
        {"a C1 control", "\xc2\x9b", "\"\\u009b\""},
        {"bad bytes", "\xff", "\"\ufffd\""},
    };
    logging((struct log_conf){.file_fd = -1});
    for (size_t i = 0; i < countof(strings); i++) {
        char want[200];
        CASE(strings[i].label);
        log_info(EV("a.b"), KV("k", strings[i].in));
        snprintf(want, sizeof want, "00:00:00 INFO  a.b k=%s\n", strings[i].want);
        CHECK_STR(out(0), want);
    }
    static const struct {
        double v;
        const char *text, *json;
    } reals[] = {
        {0, "0", "0"},
        {1.5, "1.5", "1.5"},
        {2, "2", "2"},
        {100, "100", "100"},
        {1.23456, "1.235", "1.23456"},
        {-0.25, "-0.25", "-0.25"},
        {0.00012345, "0.000123", "0.00012345"},
        {1200000.5, "1200000.5", "1200000.5"},
        {1e20, "1e+20", "1e+20"},
        {NAN, "nan", "null"},
        {INFINITY, "inf", "null"},
    };
    done();
    logging((struct log_conf){0});
    for (size_t i = 0; i < countof(reals); i++) {
        char want[200];
        CASE(reals[i].text);
        log_fields(LOG_INFO, "a.c", 1, (const struct kv[]){EV("a.b"), KV("k", reals[i].v), {0}});
        snprintf(want, sizeof want, "00:00:00 INFO  a.b k=%s\n", reals[i].text);
        CHECK_STR(out(0), want);
        snprintf(want, sizeof want,
                 "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"info\",\"event\":\"a.b\",\"k\":%s,"
                 "\"src\":\"a.c:1\"}\n",
                 reals[i].json);
        CHECK_STR(out(1), want);
    }
    CASE("integers");
    log_info(EV("a.b"), KV("i", INT64_MIN), KV("u", SIZE_MAX), KV("b", true));
    CHECK_STR(out(0), "00:00:00 INFO  a.b i=-9223372036854775808 u=18446744073709551615 b=1\n");
    done();
}

TEST(a_long_value_is_cut_between_characters)
{
    char text[20000], *p = text;
    *p++ = 'x';
    for (int i = 0; i < 5000; i++, p += 2)
        memcpy(p, "\u00e9", 3);
    logging((struct log_conf){.file_fd = -1});
    log_info(EV("a.b"), KV("k", text));
    const char *got = out(0);
    CHECK_INT(strlen(got), strlen("00:00:00 INFO  a.b k=\n") + 8191);
    CHECK(strchr(got, '\n') == got + strlen(got) - 1);
    done();
}

TEST(each_sink_has_its_own_level_and_shape)
{
    logging((struct log_conf){.min = LOG_ERROR, .json = true});
    log_fields(LOG_ERROR, "a.c", 1, (const struct kv[]){EV("a.b"), {0}});
    CHECK_STR(
        out(0),
        "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"error\",\"event\":\"a.b\",\"src\":\"a.c:1\"}\n");
    CHECK_STR(
        out(1),
        "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"error\",\"event\":\"a.b\",\"src\":\"a.c:1\"}\n");
    log_warn(EV("a.b"));
    CHECK_STR(out(0), "");
    CHECK_HAS(out(1), "\"level\":\"warn\"");
    log_set_file(-1);
    log_warn(EV("a.b"));
    log_debug(EV("a.b"));
    CHECK_STR(out(1), "");
    log_set_file(ends[1][1]);
    log_debug(EV("a.b"));
    CHECK_HAS(out(1), "\"level\":\"debug\"");
    done();

    logging((struct log_conf){.color = true, .file_fd = -1});
    log_debug(EV("a.b"));
    log_info(EV("a.b"));
    log_warn(EV("a.b"));
    log_error(EV("a.b"));
    CHECK_STR(out(0), "00:00:00 \033[2mDEBUG\033[0m a.b\n"
                      "00:00:00 \033[32mINFO \033[0m a.b\n"
                      "00:00:00 \033[33mWARN \033[0m a.b\n"
                      "00:00:00 \033[31mERROR\033[0m a.b\n");
    done();

    logging((struct log_conf){.text_fd = -1, .file_fd = -1});
    log_error(EV("a.b"));
    CHECK_STR(out(0), "");
    CHECK_STR(out(1), "");
    done();
}

static void take(void *arg, const char *p, size_t n)
{
    buf_add(arg, p, n);
}

TEST(lines_can_be_taken_by_a_live_view)
{
    auto_buf b = BUF(1000);
    logging((struct log_conf){.file_fd = -1, .line = take, .arg = &b});
    log_info(EV("a.b"), KV("n", 1));
    log_info(EV("a.c"), KV("n", 2));
    CHECK_STR(out(0), "");
    mask(b.p);
    CHECK_STR(b.p, "00:00:00 INFO  a.b n=1\n00:00:00 INFO  a.c n=2\n");
    done();
}

TEST(errno_is_left_alone)
{
    logging((struct log_conf){.file_fd = -1});
    fault_only("write");
    fault_arm(0);
    errno = ENOTDIR;
    log_info(EV("a.b"));
    CHECK_INT(errno, ENOTDIR);
    fault_off();
    done();
}

TEST(a_line_is_one_write_and_a_short_one_is_finished)
{
    logging((struct log_conf){.file_fd = -1});
    fault_only("write");
    fault_mode(FAULT_STICK);
    fault_arm(1); /* the second write would fail */
    log_info(EV("a.b"), KV("k", "two words"));
    CHECK_INT(fault_hit(), 0);
    CHECK_STR(out(0), "00:00:00 INFO  a.b k=\"two words\"\n");
    fault_off();

    fault_chop(3);
    log_info(EV("a.b"), KV("k", "two words"));
    fault_off();
    CHECK_STR(out(0), "00:00:00 INFO  a.b k=\"two words\"\n");

    fault_only("write");
    fault_errno(EINTR);
    fault_arm(0);
    log_info(EV("a.b"));
    CHECK_INT(fault_hit(), 1);
    CHECK_STR(out(0), "00:00:00 INFO  a.b\n");
    fault_arm(0);
    fault_errno(EAGAIN);
    log_info(EV("a.b"));
    CHECK_INT(fault_hit(), 1);
    CHECK_STR(out(0), "00:00:00 INFO  a.b\n");
    fault_off();
    done();
}

TEST(a_pipe_that_nobody_reads_does_not_stop_the_run)
{
    logging((struct log_conf){.file_fd = -1});
    char fill[4096] = "";
    fcntl(ends[0][1], F_SETPIPE_SZ, 4096);
    REQUIRE(write(ends[0][1], fill, sizeof fill) == sizeof fill);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < 50; i++)
        log_info(EV("a.b"));
    clock_gettime(CLOCK_MONOTONIC, &to);
    CHECK(to.tv_sec - from.tv_sec <= 2);
    REQUIRE(read(ends[0][0], fill, sizeof fill) == sizeof fill);
    CHECK_STR(out(0), "");
    log_info(EV("a.c"));
    log_info(EV("a.d"));
    CHECK_STR(out(0), "00:00:00 WARN  log.dropped lines=50\n00:00:00 INFO  a.c\n00:00:00 INFO  a.d\n");
    done();
}

TEST(a_torn_line_does_not_spoil_the_next)
{
    logging((struct log_conf){.file_fd = -1});
    fault_only("write");
    fault_chop(8);
    fault_arm(1);
    log_info(EV("a.b"));
    fault_off();
    log_info(EV("a.c"));
    CHECK_STR(out(0), "00:00:00\n00:00:00 WARN  log.dropped lines=1\n00:00:00 INFO  a.c\n");
    done();
}

TEST(a_line_without_memory_is_counted)
{
    char text[20000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    logging((struct log_conf){.file_fd = -1});
    fault_only("realloc");
    fault_mode(FAULT_STICK);
    fault_arm(0);
    log_info(EV("a.b"), KV("a", text), KV("b", text), KV("c", text), KV("d", text));
    CHECK(fault_hit() > 0);
    fault_off();
    log_info(EV("a.c"));
    CHECK_STR(out(0), "00:00:00 WARN  log.dropped lines=1\n00:00:00 INFO  a.c\n");
    done();
}

enum { THREADS = 4, LINES = 200 };

static void *chatter(void *arg)
{
    log_context("r-1", arg);
    for (int i = 0; i < LINES; i++)
        log_info(EV("a.b"), KV("n", i));
    return NULL;
}

TEST(threads_may_log_at_the_same_time)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    logging((struct log_conf){.file_fd = -1});
    fcntl(ends[0][1], F_SETPIPE_SZ, 1 << 18);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, chatter, names[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const char *p = out(0);
    int count = 0;
    for (char task; *p; count++, p += strcspn(p, "\n") + 1) {
        int n = -1;
        REQUIRE(sscanf(p, "00:00:00 INFO  a.b task=%c n=%d\n", &task, &n) == 2);
        REQUIRE(task >= 'a' && task < 'a' + THREADS);
        CHECK_INT(n, next[task - 'a']++);
    }
    CHECK_INT(count, THREADS * LINES);
    done();
}
