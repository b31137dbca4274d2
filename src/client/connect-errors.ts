// Why a connection did not come about, in words that say what to change: wrong ports, TLS against plain text in both
// directions, certificates.

import { textOfError } from '../base/errors.ts';
import { type BrokerAddress, formatAddress } from './address.ts';
import { ClientError } from './errors.ts';

const UNKNOWN_AUTHORITY =
  'its certificate is of an authority that is not known here; give that as the CA (tls.ca)';
const NO_TLS = 'it does not speak TLS there; connect without TLS, or to its TLS port';
const OUR_CERTIFICATE = 'it does not accept the certificate that we show (tls.cert)';
const OTHER_KEY = 'tls.key is not the key of tls.cert';

/** By the codes of Node and OpenSSL. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name; ask for that one (tls.servername)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock of this machine right?',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: OTHER_KEY,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'it wants to see a certificate of ours: give tls.cert and tls.key',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: OUR_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: OUR_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: OUR_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'it broke off the handshake; it may want a certificate of ours (tls.cert), or another TLS version',
};

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException | null)?.code ?? '';
}

/** The error of a connection that could not be opened; `secure`: TLS was tried. */
export function connectFailed(
  address: BrokerAddress,
  cause: unknown,
  secure: boolean,
): ClientError {
  const code = codeOf(cause);
  // The other side went away: in the middle of a handshake that says more than in general.
  const reset = secure
    ? `the connection ended within the TLS handshake: most likely ${NO_TLS}`
    : 'the connection was reset; does it want TLS (tls: true)?';
  const gone = code === 'ECONNRESET' || code === 'EPIPE';
  const own = textOfError(cause).trim();
  const why = gone ? reset : (reasons[code] ?? own);
  const message = `cannot connect to ${formatAddress(address)}: ${why}`;
  return new ClientError('cannot_connect', message, { cause });
}

/**
 * The error of a connection that was opened and ended before it answered the first request: what brokers do that speak
 * TLS to those who do not, and that refuse a certificate (in TLS 1.3 after the handshake). Others stay as they are.
 */
export function refusedAtOnce(address: BrokerAddress, error: unknown, secure: boolean): unknown {
  if (!(error instanceof ClientError) || error.code !== 'connection_lost') return error;
  const { cause } = error;
  const hint = secure
    ? 'it may refuse the certificate that we show, or want one (tls.cert, tls.key), or be no Kafka broker'
    : 'it may want TLS (tls: true), or be no Kafka broker';
  const why = reasons[codeOf(cause)] ?? hint;
  const message = `${formatAddress(address)} ended the connection at our first request: ${why}`;
  return new ClientError('connection_lost', message, { cause });
}
