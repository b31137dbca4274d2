// Which header version goes with which message. A flexible request has request header v2, others v1
// (v0 went with an API that no client uses); a flexible response has response header v1, others v0.
// The one exception: ApiVersions responses keep header v0, so that a client can read the refusal of
// a version it guessed (KIP-511).

import { ApiVersions } from './messages/18-api-versions.ts';
import { RequestHeader } from './messages/headers.ts';
import type { Api } from './schema/api.ts';
import type { Reader } from './schema/reader.ts';

export function requestHeaderVersion(api: Api, version: number): number {
  return version >= api.flexible ? 2 : 1;
}

export function responseHeaderVersion(api: Api, version: number): number {
  return version >= api.flexible && api.key !== ApiVersions.key ? 1 : 0;
}

/** The part of a request header that every version of every API has: enough to answer or refuse. */
export interface RequestStart {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

/**
 * Reads the start of a request without moving on. Throws `ProtocolError` when the frame holds less.
 */
export function peekRequestStart(reader: Reader): RequestStart {
  const { position } = reader;
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  reader.position = position;
  return { apiKey, apiVersion, correlationId };
}

/** Reads the whole header of a request in a version that we have. Throws `ProtocolError`. */
export function decodeRequestHeader(api: Api, version: number, reader: Reader): RequestHeader {
  return RequestHeader.decode(reader, requestHeaderVersion(api, version));
}
