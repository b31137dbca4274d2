// node:tls, loaded when somebody speaks it: most brokers and clients do not, and it takes 5 ms of every start.

/** The module, from the first call on. */
export function tlsModule(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}
