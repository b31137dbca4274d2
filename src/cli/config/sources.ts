// Settings of the broker from everywhere they may come from, with where each came from.
// Precedence: flags > TIDEMARK_* > KAFKA_* (as Kafka's images map them) > file > defaults.

/** Where a setting came from, strongest first. */
export const origins = ['flag', 'TIDEMARK_*', 'KAFKA_*', 'file'] as const;
export type Origin = (typeof origins)[number];

export interface Setting {
  readonly value: string;
  readonly origin: Origin;
  /** As the user wrote it: `--set num.partitions`, `KAFKA_NUM_PARTITIONS`, `num.partitions in x.properties`. */
  readonly writtenAs: string;
}

export interface ConfigSources {
  /** By Kafka's config name or our own (see settings.ts). */
  readonly flags: ReadonlyMap<string, Omit<Setting, 'origin'>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: { readonly path: string; readonly values: ReadonlyMap<string, string> } | null;
}

/** Variables of Kafka's images that steer scripts and the JVM, not the broker, and those of client programs. */
const notSettings: ReadonlySet<string> = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_HOME',
  'KAFKA_DEBUG',
  'KAFKA_BROKERS',
  'KAFKA_BOOTSTRAP_SERVERS',
  'TIDEMARK_BROKERS',
  'TIDEMARK_CONFIG',
  'TIDEMARK_TLS',
  'TIDEMARK_TLS_CA',
  'TIDEMARK_TLS_CLIENT_CERT',
  'TIDEMARK_TLS_CLIENT_KEY',
]);

/**
 * `KAFKA_LOG_RETENTION_MS` → `log.retention.ms`; `__` stands for `_` and `___` for `-`, as in Kafka's images
 * (docker/resources/common-scripts/bash-config and KafkaDockerWrapper).
 */
export function configNameOf(variable: string, prefix: string): string {
  return variable
    .slice(prefix.length)
    .toLowerCase()
    .replace(/_+/g, (run) => {
      if (run.length === 2) return '_';
      return run.length === 3 ? '-' : run.length === 1 ? '.' : run;
    });
}

function fromEnv(
  env: ConfigSources['env'],
  prefix: 'TIDEMARK_' | 'KAFKA_',
  into: Map<string, Setting>,
): void {
  for (const variable of Object.keys(env).sort()) {
    const value = env[variable];
    if (!variable.startsWith(prefix) || value === undefined || notSettings.has(variable)) continue;
    const name = configNameOf(variable, prefix);
    into.set(name, { value, origin: `${prefix}*`, writtenAs: variable });
  }
}

/** All settings by name; of several sources of one name the strongest wins. */
export function mergeSources(sources: ConfigSources): Map<string, Setting> {
  const merged = new Map<string, Setting>();
  if (sources.file !== null) {
    const { path, values } = sources.file;
    for (const [name, value] of values) {
      merged.set(name, { value, origin: 'file', writtenAs: `${name} in ${path}` });
    }
  }
  fromEnv(sources.env, 'KAFKA_', merged);
  fromEnv(sources.env, 'TIDEMARK_', merged);
  for (const [name, setting] of sources.flags) merged.set(name, { ...setting, origin: 'flag' });
  return merged;
}
