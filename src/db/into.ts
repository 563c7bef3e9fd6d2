// Into: the rows of SELECT ... INTO written as any other write is, so that they are logged, typed and counted the same.
import { InputError } from "../base/errors.ts";
import type { BatchTarget, BatchWriter } from "../model/batch-writer.ts";
import type { StatementResult } from "../query/result.ts";
import type { WriteOutcome } from "./stored.ts";

export class Into implements BatchWriter {
  readonly #write: (batch: Uint8Array, rows: number, target: BatchTarget) => Promise<WriteOutcome>;

  /** `write`: stores a batch; resolves when it is durable. */
  constructor(write: (batch: Uint8Array, rows: number, target: BatchTarget) => Promise<WriteOutcome>) {
    this.#write = write;
  }

  async write(batch: Uint8Array, rows: number, target: BatchTarget): Promise<void> {
    const { dropped, errors } = await this.#write(batch, rows, target);
    if (dropped > 0) throw new InputError(`partial write: ${errors.join("\n")} dropped=${dropped}`);
  }
}

/** Runs statements; the rows that their INTO wrote. Throws the first error. */
export async function rowsWritten(results: AsyncIterable<StatementResult>): Promise<number> {
  let rows = 0;
  for await (const { series } of results)
    for await (const { name, rows: written } of series)
      if (name === "result") for (const [, count] of written) rows += Number(count);
  return rows;
}
