// The contract of a log: durable, ordered records of opaque bytes. log/ implements it with files on the local
// disk; the cluster will with a replicated stream. A store does not know which.

/** Sequence number of a record: dense, ascending, from 1. 0 = before the first. */
export type LogPosition = number;

export interface Log {
  /** Position of the newest record, 0 when there never was one. */
  readonly last: LogPosition;
  /**
   * Takes a record. The bytes are copied before this returns, so the caller may reuse them at once. Throws `DiskError` when
   * the log is poisoned. Until it is durable (see `durable`) it may be in memory alone: the end of the process takes it along.
   */
  append(record: Uint8Array): LogPosition;
  /** Resolves when every record up to and including `position` is durable; calls share syncs (group commit). */
  durable(position: LogPosition): Promise<void>;
  /** Hands the records after `from` to `apply`, in order. Only before the first append. */
  replay(from: LogPosition, apply: (record: Uint8Array, position: LogPosition) => void): void;
  /** Starts a new file, so that what was written before it can be trimmed on its own. */
  rotate(): void;
  /** Records up to and including `position` are kept elsewhere now: frees what holds nothing newer. */
  trim(position: LogPosition): Promise<void>;
  /** Makes everything appended durable and closes. */
  close(): Promise<void>;
}
