// Checks of ports and of the way to a broker.

import { createServer } from 'node:net';
import { resolve } from 'node:path';
import type { Node } from '../../client/index.ts';
import { messageOf } from '../exit-codes.ts';
import type { BrokerOptions } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { type Check, fail, ok, warn } from './check.ts';

const PATIENCE_MS = 3_000;

/** What the broker told, for the other checks. */
export interface BrokerReport {
  readonly checks: readonly Check[];
  readonly reached: boolean;
  /** Log directories it reports. */
  readonly directories: readonly string[];
}

/** Connects, asks who is there, and connects to every address that was told. */
export async function checkBroker(options: BrokerOptions): Promise<BrokerReport> {
  const patience = [
    'socket.connection.setup.timeout.ms',
    'request.timeout.ms',
    'default.api.timeout.ms',
  ];
  const property = [
    ...patience.map((name) => `${name}=${PATIENCE_MS}`),
    ...(options.property ?? []),
  ];
  try {
    return await withCluster({ ...options, property }, (session) => look(session));
  } catch (error) {
    // Nobody may be there yet; but a broker that was named is one that should be.
    const named = options.brokers !== undefined;
    const advice = named
      ? 'is the address right, is the broker up, does a firewall let this machine through?'
      : 'start one with "tidemark serve", or name it with --brokers';
    const checks = [(named ? fail : warn)('broker', messageOf(error), advice)];
    return { checks, reached: false, directories: [] };
  }
}

async function look(session: Session): Promise<BrokerReport> {
  const { cluster, client, brokers } = session;
  const started = performance.now();
  const info = await cluster.describe();
  const ms = (performance.now() - started).toFixed(0);
  const count = `${info.nodes.length} broker${info.nodes.length === 1 ? '' : 's'}`;
  const checks = [
    ok('broker', `${brokers} answers in ${ms} ms: cluster ${info.clusterId}, ${count}`),
  ];
  for (const node of info.nodes) checks.push(await checkAdvertised(session, node));
  const directories = await client.describeLogDirs(cluster, new Map()).then(
    (dirs) => dirs.map((dir) => dir.path),
    () => [],
  );
  return { checks, reached: true, directories };
}

/** Metadata sends clients to the advertised address: when they cannot reach it, nothing works after the first step. */
async function checkAdvertised(session: Session, node: Node): Promise<Check> {
  const { cluster, client } = session;
  const address = client.formatAddress(node);
  const name = 'advertised';
  try {
    const { ApiVersions } = await import('../../protocol/index.ts');
    await cluster.to(node).versions(ApiVersions);
    return ok(name, `broker ${node.id} tells clients ${address}, which can be reached from here`);
  } catch (error) {
    const found = `broker ${node.id} tells clients ${address}, but ${messageOf(error)}`;
    const advice =
      'start it with --advertise HOST:PORT as clients see it (behind NAT or a port map)';
    return fail(name, found, advice);
  }
}

/** Whether `serve` could take the port. Held by a broker that answers it is as it should be. */
export async function checkPort(host: string, port: number, brokerThere: boolean): Promise<Check> {
  const failure = await tryListen(host, port);
  const name = 'port';
  if (failure === null) return ok(name, `${host}:${port} is free`);
  if (failure.code === 'EADDRINUSE' && brokerThere) {
    return ok(name, `${host}:${port} is taken by the broker that answers there`);
  }
  return failure.code === 'EADDRINUSE'
    ? warn(name, `${host}:${port} is taken by another program`, 'stop it, or serve with --port')
    : fail(name, `${host}:${port}: ${failure.message}`, 'choose another --host or --port');
}

function tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error));
    server.listen(port, host, () => server.close(() => done(null)));
  });
}

/** Whether the broker that was reached keeps its data in that directory. */
export function usesDirectory(report: BrokerReport, directory: string): boolean {
  return report.directories.some((one) => resolve(one) === resolve(directory));
}
