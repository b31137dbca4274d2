// Counters of the broker, and their text for Prometheus. Plain numbers on plain objects: counting
// costs an addition.

/** What the connections and handlers count. All grow, except `connections` and `requestBytes`. */
export class BrokerMetrics {
  connections = 0;
  connectionsAccepted = 0;
  /** Closed at once for max.connections or max.connections.per.ip. */
  connectionsRefused = 0;
  connectionsClosedIdle = 0;
  /** Connections closed for bytes that are no request, by cause. */
  readonly badFrames = { size: 0, header: 0, body: 0, version: 0 };
  bytesIn = 0;
  bytesOut = 0;
  /** Requests and failures by API name. A failure is an answer that the handler did not make. */
  readonly requests = new Map<string, number>();
  readonly failures = new Map<string, number>();
  /** Record bytes accepted by Produce, and given out by Fetch. */
  producedBytes = 0;
  producedBatches = 0;
  fetchedBytes = 0;

  countRequest(api: string): void {
    this.requests.set(api, (this.requests.get(api) ?? 0) + 1);
  }

  countFailure(api: string): void {
    this.failures.set(api, (this.failures.get(api) ?? 0) + 1);
  }
}

/** One metric with its samples, as the text format wants it. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return '';
  const parts = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
    return `${name}="${escaped}"`;
  });
  return `{${parts.join(',')}}`;
}

/** Text exposition format 0.0.4. */
export function metricsText(metrics: readonly Metric[]): string {
  let text = '';
  for (const metric of metrics) {
    text += `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n`;
    for (const { labels, value } of metric.samples) {
      text += `${metric.name}${labelText(labels)} ${value}\n`;
    }
  }
  return text;
}

/** A gauge of one sample. */
export function gauge(name: string, help: string, value: number): Metric {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

/** A counter of one sample. */
export function counter(name: string, help: string, value: number): Metric {
  return { name, type: 'counter', help, samples: [{ value }] };
}

function byLabel(
  name: string,
  help: string,
  label: string,
  values: Iterable<readonly [string, number]>,
): Metric {
  const samples = [...values].map(([key, value]) => ({ labels: { [label]: key }, value }));
  return { name, type: 'counter', help, samples };
}

/** The broker's own metrics. Names begin with `tidemark_`; sizes are in bytes. */
export function brokerMetrics(metrics: BrokerMetrics): Metric[] {
  return [
    gauge('tidemark_connections', 'Open connections.', metrics.connections),
    counter(
      'tidemark_connections_accepted_total',
      'Connections accepted.',
      metrics.connectionsAccepted,
    ),
    counter(
      'tidemark_connections_refused_total',
      'Connections closed at once for max.connections or max.connections.per.ip.',
      metrics.connectionsRefused,
    ),
    counter(
      'tidemark_connections_closed_idle_total',
      'Connections closed after connections.max.idle.ms, or that were stuck.',
      metrics.connectionsClosedIdle,
    ),
    byLabel(
      'tidemark_bad_frames_total',
      'Connections closed for bytes that are no request: size, header, body or version is wrong.',
      'cause',
      Object.entries(metrics.badFrames),
    ),
    counter('tidemark_received_bytes_total', 'Bytes read from clients.', metrics.bytesIn),
    counter('tidemark_sent_bytes_total', 'Bytes sent to clients.', metrics.bytesOut),
    byLabel('tidemark_requests_total', 'Requests by API.', 'api', metrics.requests),
    byLabel(
      'tidemark_request_failures_total',
      'Requests by API that a handler failed to answer: a fault of the broker.',
      'api',
      metrics.failures,
    ),
    counter(
      'tidemark_produced_bytes_total',
      'Record bytes accepted from producers.',
      metrics.producedBytes,
    ),
    counter(
      'tidemark_produced_batches_total',
      'Record batches accepted from producers.',
      metrics.producedBatches,
    ),
    counter(
      'tidemark_fetched_bytes_total',
      'Record bytes given to consumers.',
      metrics.fetchedBytes,
    ),
  ];
}
