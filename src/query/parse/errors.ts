// Errors of statements that cannot be read: HTTP answers them with 400, before anything has run.
import { InputError } from "../../base/errors.ts";

export function parseError(message: string): InputError {
  return new InputError(`error parsing query: ${message}`);
}
