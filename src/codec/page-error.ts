// What a decoder says about bytes that no encoder wrote. It knows no file: the reader that does turns it into a
// CorruptionError with file and offset.
import { SerieError } from "../base/errors.ts";

export class PageError extends SerieError {
  override readonly name = "PageError";
  readonly code = "corrupt page";
}

const reasons: Readonly<Record<number, string>> = {
  [-1]: "its sections do not fit its size, or a value in it was never written by an encoder",
  [-2]: "it holds another type of values, or nulls where there are none",
  [-3]: "its row count is not that of its row group",
  [-4]: "its statistics do not end where they should",
};

/** The error for a negative answer of a decoding kernel. */
export function pageError(answer: number): PageError {
  return new PageError(`column page does not decode: ${reasons[answer] ?? `answer ${answer}`}`);
}
