// Our own bugs stop here: an assertion that fails is never caught and answered, it ends the operation.

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`serie has a bug: ${message}`);
}
