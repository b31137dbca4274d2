// Connections from this machine. Where the machine's congestion control paces what it sends (BBR), each packet on the
// loopback arms a timer, although there is nothing to be congested: with it a consumer here cost the broker 1.7 times
// the processor time and read at half the speed (0.50 → 0.34 s/GB, 540 → 1,050 MB/s, measured side by side). So these
// connections take one that does not pace; all others keep what the machine's owner has chosen.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { whenNativeIoLoaded } from './native-io.ts';

/** Tried in order: every Linux has the last. */
const unpaced = ['cubic', 'reno'];

let paces: boolean | undefined;

function machinePaces(): boolean {
  try {
    const name = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
    return name.startsWith('bbr');
  } catch {
    return false;
  }
}

/** Whether both ends are this machine's. */
export function isLoopback(remote: string, local: string): boolean {
  const plain = remote.startsWith('::ffff:') ? remote.slice(7) : remote;
  return remote === local || remote === '::1' || plain.startsWith('127.');
}

/** The part of a TCP handle that knows its descriptor. Not public, so it is looked for; -1 when there is none. */
export function descriptorOf(stream: Socket): number {
  const { _handle: handle } = stream as unknown as { _handle: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

/** Call it for each accepted connection. Early ones are paced until the native calls are loaded, for a moment. */
export function sparePacing(stream: Socket): void {
  paces ??= machinePaces();
  if (!paces) return;
  const { remoteAddress = '', localAddress = '' } = stream;
  if (!isLoopback(remoteAddress, localAddress)) return;
  whenNativeIoLoaded((native) => {
    const socket = descriptorOf(stream);
    if (native === null || socket < 0) return;
    unpaced.some((name) => native.setCongestionControl(socket, name));
  });
}
