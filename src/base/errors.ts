// The three kinds of wrong that callers see: bad input, bad bytes on disk, a disk or a machine that cannot.
//
// (The fourth, our own bug, is base/assert.ts.) Every message says what, where and what to do.

/** Base of every error that serie throws on purpose. `code` is stable; the message is for people. */
export abstract class SerieError extends Error {
  abstract readonly code: string;
}

/** The caller's bytes, statement, option or argument is wrong. Nothing was half-applied. */
export class InputError extends SerieError {
  override readonly name = "InputError";
  readonly code: string = "invalid";
}

/** The body of a request is larger than it may be. */
export class BodyTooLargeError extends SerieError {
  override readonly name = "BodyTooLargeError";
  readonly code = "request too large";
}

/** A named thing (database, retention policy, ...) does not exist. */
export class NotFoundError extends SerieError {
  override readonly name = "NotFoundError";
  readonly code = "not found";
}

/** Who asks did not say who it is, or is not. */
export class UnauthorizedError extends SerieError {
  override readonly name = "UnauthorizedError";
  readonly code = "unauthorized";
}

/** Who asks may not do that. */
export class ForbiddenError extends SerieError {
  override readonly name = "ForbiddenError";
  readonly code = "forbidden";
}

/** Bytes on disk are not what was written: `file` at byte `offset`. */
export class CorruptionError extends SerieError {
  override readonly name = "CorruptionError";
  readonly code = "corrupt";
  constructor(
    readonly file: string,
    readonly offset: number,
    readonly reason: string,
  ) {
    super(`${file} is corrupt at byte ${offset}: ${reason}`);
  }
}

/** The operating system refused a file operation, or an earlier refusal has poisoned the store. */
export class DiskError extends SerieError {
  override readonly name = "DiskError";
  readonly code = "disk";
  /** What was tried, on what, and the operating system's name for what went wrong ("ENOSPC"), where known. */
  readonly operation: string | undefined;
  readonly path: string | undefined;
  readonly errno: string | undefined;
  constructor(
    message: string,
    detail: { operation?: string; path?: string; errno?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.operation = detail.operation;
    this.path = detail.path;
    this.errno = detail.errno;
  }
}

/** Too much is in flight or memory is exhausted; the same request may succeed after `retryAfterS` seconds. */
export class OverloadedError extends SerieError {
  override readonly name = "OverloadedError";
  readonly code = "overloaded";
  constructor(
    message: string,
    readonly retryAfterS = 1,
  ) {
    super(message);
  }
}

/** A query that holds more than it may; `mostBytes` is the option `query-memory`. */
export function heldTooMuch(mostBytes: number): QueryAbortedError {
  return new QueryAbortedError(
    `query-memory limit exceeded: query holds more than ${mostBytes} bytes; narrow its time range, select fewer series, group by fewer tags, or raise query-memory`,
  );
}

/** A query went over its deadline or memory bound, or was killed. */
export class QueryAbortedError extends SerieError {
  override readonly name = "QueryAbortedError";
  readonly code = "aborted";
}

/** The database (or server) is closed or closing. */
export class ClosedError extends SerieError {
  override readonly name = "ClosedError";
  readonly code = "closed";
}
