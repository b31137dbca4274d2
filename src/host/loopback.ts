// Connections from this machine. Where the machine's congestion control paces what it sends (BBR), each packet on the
// loopback arms a timer, although there is nothing to be congested. So these connections take one that does not pace;
// all others keep what the machine's owner has chosen.
//
// It is the listener that has to be told: a connection that began under BBR is paced for the rest of its life, whatever
// it is told later (Linux 6.18: of the CPU time of a broker that is read from, a third was those timers).

import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { type NativeIo, whenNativeIoLoaded } from './native-io.ts';

/** Tried in order: every Linux has the last. */
const unpaced = ['cubic', 'reno'];

let ofMachine: string | undefined;

/** The name of the congestion control that connections get here; empty where it is not told. */
function machineControl(): string {
  try {
    ofMachine ??= readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
  } catch {
    ofMachine = '';
  }
  return ofMachine;
}

/** Whether both ends are this machine's. */
export function isLoopback(remote: string, local: string): boolean {
  const plain = remote.startsWith('::ffff:') ? remote.slice(7) : remote;
  return remote === local || remote === '::1' || plain.startsWith('127.');
}

/** The part of a TCP handle that knows its descriptor. Not public, so it is looked for; -1 when there is none. */
export function descriptorOf(owner: Server | Socket): number {
  const { _handle: handle } = owner as unknown as { _handle: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

/** The part that knows what the system has not taken yet of the stream's writes; 0 when there is none. */
export function queuedIn(stream: Socket): number {
  const { _handle: handle } = stream as unknown as { _handle: { writeQueueSize?: unknown } | null };
  return typeof handle?.writeQueueSize === 'number' ? handle.writeQueueSize : 0;
}

/** Spares connections of one listener that come from this machine the pacing. */
export class PacingSpared {
  readonly #listener: Server;
  readonly #ownControl: string;
  readonly #paces: boolean;
  /** The listener has one that does not pace: connections that begin from now on inherit it. */
  #spares = false;

  /** `ownControl`: what the machine's owner has chosen. */
  constructor(listener: Server, ownControl = machineControl()) {
    this.#listener = listener;
    this.#ownControl = ownControl;
    this.#paces = ownControl.startsWith('bbr');
  }

  /** Call it for each connection that the listener has accepted, with both ends' addresses. */
  accepted(stream: Socket, remoteHost: string, localHost: string): void {
    if (!this.#paces) return;
    const local = isLoopback(remoteHost, localHost);
    if (local === this.#spares) return;
    whenNativeIoLoaded((native) => {
      if (native !== null) this.#choose(native, stream, local);
    });
  }

  #choose(native: NativeIo, stream: Socket, local: boolean): void {
    if (!local) {
      // It may have come before the listener was told, and has what it should have then.
      if (this.#spares) takes(native, stream, [this.#ownControl]);
      return;
    }
    takes(native, stream, unpaced);
    if (!this.#spares) this.#spares = takes(native, this.#listener, unpaced);
  }
}

/** Whether the socket took one of those congestion controls. */
function takes(native: NativeIo, owner: Server | Socket, names: readonly string[]): boolean {
  const socket = descriptorOf(owner);
  return socket >= 0 && names.some((name) => native.setCongestionControl(socket, name));
}
