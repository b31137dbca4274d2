// The port to a connected peer. src/host implements it over TCP; tests implement it in memory.

import type { Chunk } from '../protocol/index.ts';

/** A connected peer. All methods may be called after the connection is gone and then do nothing. */
export interface PeerSocket {
  readonly remoteHost: string;
  readonly remotePort: number;
  /** The address the peer connected to: what is advertised to it by default. */
  readonly localHost: string;
  readonly localPort: number;
  /** Whether `write` can send regions of files without their bytes going through memory. */
  readonly sendsRegions: boolean;
  /** Changes while the peer takes what was written, also within a long answer. For those who look now and then. */
  readonly progress: number;
  /**
   * Sends the chunks in order, never copying those in memory; in one system call where these are all. Regions of
   * files are released. `sent` is called once when the system has taken all of them, or when the connection is gone.
   * A region that cannot be read ends the connection.
   */
  write(chunks: readonly Chunk[], sent: () => void): void;
  /** Stops and starts reading from the peer. */
  pause(): void;
  resume(): void;
  /** Closes after everything written so far was sent. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/**
 * Who owns a peer. Bytes are read straight to where they belong: the host asks for a place before
 * each read, fills its beginning and says how much came. Nothing is told after `onClose`, which
 * comes exactly once.
 */
export interface PeerHandler {
  /**
   * Where the next bytes go; never empty. May be memory shared between peers, so it is used up
   * within `onRead`.
   */
  readBuffer(): Buffer;
  /** `length` bytes were put at the start of what `readBuffer` gave last. */
  onRead(length: number): void;
  /** The peer will send nothing more; it may still read. */
  onEnd(): void;
  onClose(): void;
}
