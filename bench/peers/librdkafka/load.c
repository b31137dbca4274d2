/* Loads that rdkafka_performance has no mode for, on librdkafka's public API: latency at a fixed rate, counted from when
 * each record was due (so that a stall of the client or the broker is charged to every record it delayed), and one
 * record per request on many connections.
 *
 *   load latency  BROKERS TOPIC PARTITIONS RATE SECONDS WARMUP BYTES e2e|ack [name=value ...]
 *   load requests BROKERS TOPIC PARTITIONS CONNECTIONS SECONDS WARMUP BYTES [name=value ...]
 *
 * The first WARMUP seconds are not counted. Prints one JSON document; "histogram" is [[upper bound in microseconds,
 * count], ...] with a relative error below 0.1 %. Built by install.ts. */

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rdkafka.h"

#define MAX_CONNECTIONS 1024
#define DRAIN_SECONDS 20

/* Buckets: exact up to 2048 us, then 1024 for each doubling. */
#define SUB 1024
#define BUCKETS (SUB * 24)
static atomic_ulong buckets[BUCKETS];

static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t due) {
  struct timespec t = {due / 1000000000, due % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
  }
}

static void count_latency(int64_t ns) {
  uint64_t us = ns <= 0 ? 0 : (uint64_t)ns / 1000;
  int shift = 0;
  while ((us >> shift) >= 2 * SUB) shift++;
  uint64_t index = (uint64_t)shift * SUB + (us >> shift);
  atomic_fetch_add_explicit(&buckets[index < BUCKETS ? index : BUCKETS - 1], 1, memory_order_relaxed);
}

static void print_histogram(void) {
  bool first = true;
  printf("\"histogram\":[");
  for (uint64_t i = 0; i < BUCKETS; i++) {
    if (buckets[i] == 0) continue;
    int shift = i < 2 * SUB ? 0 : (int)(i / SUB) - 1;
    uint64_t upper = ((i - (uint64_t)shift * SUB) << shift) + (((uint64_t)1 << shift) - 1);
    printf("%s[%" PRIu64 ",%lu]", first ? "" : ",", upper, (unsigned long)buckets[i]);
    first = false;
  }
  printf("]");
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) != RD_KAFKA_CONF_OK) die("%s", error);
}

static rd_kafka_conf_t *conf_of(const char *brokers, char **settings, int count) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  for (int i = 0; i < count; i++) {
    char *at = strchr(settings[i], '=');
    if (at == NULL) die("%s: write name=value", settings[i]);
    *at = '\0';
    set(conf, settings[i], at + 1);
    *at = '=';
  }
  return conf;
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char error[512];
  rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof(error));
  if (rk == NULL) die("%s", error);
  return rk;
}

static int64_t counted_from; /* Records due before are warm-up. */
static bool count_acks;
static atomic_bool stopping;
static atomic_long acked, failed, consumed;

/* ---- latency at a fixed rate ---- */

/* The intended time of sending is the opaque pointer, and the first eight bytes of the value. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  (void)opaque;
  if (message->err) {
    atomic_fetch_add(&failed, 1);
    return;
  }
  atomic_fetch_add(&acked, 1);
  int64_t due = (int64_t)(intptr_t)message->_private;
  if (count_acks && due >= counted_from) count_latency(now_ns() - due);
}

static void *poll_deliveries(void *producer) {
  while (!stopping) rd_kafka_poll(producer, 100);
  return NULL;
}

static void *consume(void *queue) {
  while (!stopping) {
    rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 100);
    if (message == NULL) continue;
    if (message->err == 0 && message->len >= sizeof(int64_t)) {
      int64_t due;
      memcpy(&due, message->payload, sizeof(due));
      if (due >= counted_from) count_latency(now_ns() - due);
      /* Zeros were there before. */
      if (due > 0) atomic_fetch_add(&consumed, 1);
    }
    rd_kafka_message_destroy(message);
  }
  return NULL;
}

static int latency(int argc, char **argv) {
  if (argc < 10) die("load latency: too few arguments");
  const char *brokers = argv[2], *topic = argv[3];
  int partitions = atoi(argv[4]);
  double rate = atof(argv[5]), seconds = atof(argv[6]), warmup = atof(argv[7]);
  size_t bytes = (size_t)atol(argv[8]);
  bool end_to_end = strcmp(argv[9], "e2e") == 0;
  count_acks = !end_to_end;
  if (bytes < sizeof(int64_t)) bytes = sizeof(int64_t);

  rd_kafka_t *consumer = NULL;
  rd_kafka_queue_t *queue = NULL;
  rd_kafka_topic_t *consumed_topic = NULL;
  pthread_t consuming, polling;
  counted_from = INT64_MAX;
  if (end_to_end) {
    consumer = client(RD_KAFKA_CONSUMER, conf_of(brokers, NULL, 0));
    consumed_topic = rd_kafka_topic_new(consumer, topic, NULL);
    queue = rd_kafka_queue_new(consumer);
    for (int p = 0; p < partitions; p++) {
      if (rd_kafka_consume_start_queue(consumed_topic, p, RD_KAFKA_OFFSET_BEGINNING, queue) != 0)
        die("partition %d cannot be consumed", p);
    }
    pthread_create(&consuming, NULL, consume, queue);
  }
  rd_kafka_conf_t *conf = conf_of(brokers, argv + 10, argc - 10);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
  rd_kafka_topic_t *target = rd_kafka_topic_new(producer, topic, NULL);
  const struct rd_kafka_metadata *metadata;
  if (rd_kafka_metadata(producer, 0, target, &metadata, 10000) != 0) die("no metadata of %s", topic);
  rd_kafka_metadata_destroy(metadata);
  pthread_create(&polling, NULL, poll_deliveries, producer);

  char *value = calloc(1, bytes);
  memset(value, 'v', bytes);
  long total = (long)((warmup + seconds) * rate);
  int64_t began = now_ns() + 1000000;
  counted_from = began + (int64_t)(warmup * 1e9);
  for (long i = 0; i < total; i++) {
    int64_t due = began + (int64_t)((double)i * 1e9 / rate);
    if (due > now_ns()) sleep_until(due);
    memcpy(value, &due, sizeof(due));
    /* A full queue is waited for: the record's latency runs on from when it was due. */
    while (rd_kafka_produce(target, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, value, bytes, NULL, 0,
                            (void *)(intptr_t)due) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
      sleep_until(now_ns() + 100000);
    }
  }
  int64_t sent = now_ns();
  while (now_ns() < sent + (int64_t)DRAIN_SECONDS * 1000000000) {
    if (acked + failed >= total && (!end_to_end || consumed >= acked)) break;
    sleep_until(now_ns() + 5000000);
  }
  stopping = true;
  pthread_join(polling, NULL);
  if (end_to_end) pthread_join(consuming, NULL);
  printf("{\"sent\":%ld,\"acked\":%ld,\"failed\":%ld,\"consumed\":%ld,\"seconds\":%.6f,", total, (long)acked,
         (long)failed, (long)consumed, (double)(sent - began) / 1e9);
  print_histogram();
  printf("}\n");
  fflush(stdout);
  /* Everything was counted; taking thousands of queues apart in order would only take time. */
  _Exit(0);
}

/* ---- one record per request, one request at a time on each connection ---- */

struct connection {
  rd_kafka_t *producer;
  rd_kafka_topic_t *topic;
  int32_t partition;
  bool answered;
};

static char *request_value;
static size_t request_bytes;
static int64_t requests_until;

static void on_answer(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  ((struct connection *)opaque)->answered = true;
  if (message->err) atomic_fetch_add(&failed, 1);
}

static void *request_loop(void *connection) {
  struct connection *one = connection;
  for (;;) {
    int64_t sent = now_ns();
    if (sent >= requests_until) return NULL;
    one->answered = false;
    if (rd_kafka_produce(one->topic, one->partition, RD_KAFKA_MSG_F_COPY, request_value, request_bytes, NULL, 0,
                         NULL) != 0)
      die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
    while (!one->answered) rd_kafka_poll(one->producer, 1000);
    int64_t answered = now_ns();
    if (sent < counted_from || answered >= requests_until) continue;
    atomic_fetch_add(&acked, 1);
    count_latency(answered - sent);
  }
}

static int requests(int argc, char **argv) {
  if (argc < 9) die("load requests: too few arguments");
  const char *brokers = argv[2], *topic = argv[3];
  int partitions = atoi(argv[4]), connections = atoi(argv[5]);
  double seconds = atof(argv[6]), warmup = atof(argv[7]);
  request_bytes = (size_t)atol(argv[8]);
  if (connections > MAX_CONNECTIONS) die("at most %d connections", MAX_CONNECTIONS);
  request_value = malloc(request_bytes);
  memset(request_value, 'v', request_bytes);

  static struct connection all[MAX_CONNECTIONS];
  static pthread_t threads[MAX_CONNECTIONS];
  for (int i = 0; i < connections; i++) {
    rd_kafka_conf_t *conf = conf_of(brokers, argv + 9, argc - 9);
    set(conf, "linger.ms", "0");
    set(conf, "batch.num.messages", "1");
    set(conf, "max.in.flight", "1");
    rd_kafka_conf_set_dr_msg_cb(conf, on_answer);
    rd_kafka_conf_set_opaque(conf, &all[i]);
    all[i].producer = client(RD_KAFKA_PRODUCER, conf);
    all[i].topic = rd_kafka_topic_new(all[i].producer, topic, NULL);
    all[i].partition = i % partitions;
  }
  counted_from = now_ns() + (int64_t)(warmup * 1e9);
  requests_until = counted_from + (int64_t)(seconds * 1e9);
  for (int i = 0; i < connections; i++) pthread_create(&threads[i], NULL, request_loop, &all[i]);
  for (int i = 0; i < connections; i++) pthread_join(threads[i], NULL);
  printf("{\"requests\":%ld,\"failed\":%ld,\"seconds\":%.6f,", (long)acked, (long)failed,
         (double)(requests_until - counted_from) / 1e9);
  print_histogram();
  printf("}\n");
  fflush(stdout);
  _Exit(0);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "latency") == 0) return latency(argc, argv);
  if (argc > 1 && strcmp(argv[1], "requests") == 0) return requests(argc, argv);
  die("load latency|requests ...; librdkafka %s", rd_kafka_version_str());
}
