// The port through which the client reaches sockets. src/host/tcp-connector.ts implements it; tests use memory.

/**
 * What a connection tells its owner. Bytes come in a buffer of the connection's own (`onData`), or
 * put where `readBuffer` says, which is asked before each read (`onRead`). `onClose` comes once, last; `cause` is set
 * when it did not end in order.
 */
export interface ByteStreamHandler {
  onData(chunk: Buffer): void;
  readBuffer(): Buffer;
  onRead(length: number): void;
  onClose(cause: Error | null): void;
}

/** One open connection. */
export interface ByteStream {
  /** Sends the chunks in order. They must not change until they are sent. */
  write(chunks: readonly Uint8Array[]): void;
  /** Bytes given to {@link write} and not yet taken by the operating system. */
  pendingBytes(): number;
  /** Resolves when the bytes pending at the call are taken, or the stream closed. */
  drained(): Promise<void>;
  /** Cuts the connection; `onClose(null)` follows. */
  destroy(): void;
}

/** Opens connections. */
export interface Connector {
  /** Whether it speaks TLS: errors are told accordingly. */
  readonly secure?: boolean;
  /** Whether the bytes of a request may be changed once it is answered: they were copied on their way. */
  readonly copies?: true;
  /** Rejects with the system's error (`code` ECONNREFUSED, ENOTFOUND …) or after `timeoutMs`. */
  connect(
    target: { readonly host: string; readonly port: number; readonly timeoutMs: number },
    handler: ByteStreamHandler,
  ): Promise<ByteStream>;
}
