/** Bytes of batches that the logs of one store keep in memory: appended, and neither committed nor refused. */
export class PendingBytes {
  total = 0;
}
