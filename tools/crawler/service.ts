// What both kinds of service have in common.

/** Options of a consumer that comes back under its name at once after a crash (KIP-345), and commits often. */
export function serviceOptions({
  id,
  signal,
}: {
  readonly id: string;
  readonly signal: AbortSignal;
}) {
  return {
    key: 'string',
    value: 'json',
    from: 'earliest',
    instanceId: id,
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 1_000,
    autoCommit: { everyMs: 500 },
    maxWaitMs: 200,
    signal,
  } as const;
}

/** Closes one after the other, so that nothing keeps the process of a service that failed; never rejects. */
export async function closeAll(some: readonly { close(): Promise<unknown> }[]): Promise<void> {
  for (const one of some) await one.close().catch(() => {});
}
