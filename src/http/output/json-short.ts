// Short series as JSON, many at once, by the kernel (jsonShort in kernels/assembly/json.ts): nothing is made for one but the text of its
// tags.
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { ShortSeries } from "../../query/short-series.ts";
import { framesOf } from "./json-frame.ts";
import type { JsonPart } from "./json-part.ts";

/** What the kernel may write behind a number. */
const SPARE_BYTES = 8;

export class JsonShort {
  readonly #kernels: Kernels;
  readonly #part: JsonPart;
  readonly #unitNs: bigint;
  readonly #in: Scratch;
  readonly #out: Scratch;

  /** `unitNs`: what times are cut to, 0 = RFC 3339. `close` when done. */
  constructor(kernels: Kernels, part: JsonPart, unitNs: bigint) {
    this.#kernels = kernels;
    this.#part = part;
    this.#unitNs = unitNs;
    this.#in = new Scratch(kernels);
    this.#out = new Scratch(kernels);
  }

  close(): void {
    this.#in.release();
    this.#out.release();
  }

  /** Valid until the next. `columns`: their names as JSON; `first`: no series stands before them. */
  series(short: ShortSeries, columns: string, first: boolean): Uint8Array {
    const { ends, rows } = short;
    const frames = framesOf(short, columns);
    const { times, forms, columns: values, columnCount, sizeBytes } = this.#part.load(rows);
    const kernels = this.#kernels;
    const endsAt = this.#in.reserve(ends.length * 4 + frames.sizeBytes);
    const out = this.#out.reserve(frames.answerBytes + rows.count * 2 + sizeBytes + SPARE_BYTES);
    kernels.words.set(ends, endsAt >>> 2);
    const end = kernels.call.jsonShort(
      ...([ends.length, endsAt, first ? 1 : 0, times, this.#unitNs, forms, values, columnCount] as const),
      ...frames.put(kernels, endsAt + ends.length * 4),
      out,
    );
    return kernels.bytes.subarray(out, end >>> 0);
  }
}
