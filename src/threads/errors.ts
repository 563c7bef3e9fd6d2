// Errors on their way between threads: what is thrown on purpose arrives as the class that it was.
import {
  BodyTooLargeError,
  ClosedError,
  CorruptionError,
  DiskError,
  ForbiddenError,
  InputError,
  NotFoundError,
  OverloadedError,
  QueryAbortedError,
  type SerieError,
  UnauthorizedError,
} from "../base/errors.ts";

/** An error as plain data. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
}

export function sentError(error: unknown): SentError {
  const { name, message, stack, ...detail } =
    error instanceof Error ? Object.assign({}, error, pick(error)) : { ...pick(new Error(String(error))) };
  const plain = Object.entries(detail).filter(
    ([, value]) => typeof value === "string" || typeof value === "number",
  );
  return { name, message, stack, detail: Object.fromEntries(plain) };
}

const pick = ({ name, message, stack }: Error) => ({ name, message, stack });

const simple: Readonly<Record<string, new (message: string) => SerieError>> = {
  ...{
    InputError,
    NotFoundError,
    UnauthorizedError,
    ForbiddenError,
    QueryAbortedError,
    ClosedError,
    BodyTooLargeError,
  },
};

export function receivedError({ name, message, stack, detail }: SentError): Error {
  const Simple = simple[name];
  let error: Error;
  if (Simple !== undefined) error = new Simple(message);
  else if (name === "OverloadedError") error = new OverloadedError(message, detail.retryAfterS as number);
  else if (name === "CorruptionError")
    error = new CorruptionError(detail.file as string, detail.offset as number, detail.reason as string);
  else if (name === "DiskError") error = new DiskError(message, detail);
  else {
    error = new Error(message);
    error.name = name;
  }
  // where it was thrown, which is what somebody who reads it looks for
  if (stack !== undefined) error.stack = stack;
  return error;
}
