// Short series as JSON, many at once, by the kernel (jsonShort in kernels/assembly/json.ts): nothing is made for one but the text of its
// tags.
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { ShortSeries } from "../../query/short-series.ts";
import { frameTexts, tagTexts, utf8Texts } from "./json-frame.ts";
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
  series({ head, dimensions, tags, ends, rows }: ShortSeries, columns: string, first: boolean): Uint8Array {
    const count = ends.length;
    const frame = frameTexts(head.name, columns);
    const texts = utf8Texts(tagTexts(dimensions, tags, count));
    const { times, forms, columns: values, columnCount, sizeBytes } = this.#part.load(rows);
    const kernels = this.#kernels;
    const endsAt = this.#in.reserve(count * 4 + texts.sizeBytes + 4 + frame.sizeBytes);
    const tagsAt = endsAt + count * 4;
    const frameAt = (tagsAt + texts.sizeBytes + 3) & ~3;
    const outBytes = count * (1 + frame.bytes.length) + texts.bytes.length + rows.count * 2 + sizeBytes;
    const out = this.#out.reserve(outBytes + SPARE_BYTES);
    kernels.words.set(ends, endsAt >>> 2);
    texts.put(kernels, tagsAt);
    frame.put(kernels, frameAt);
    const end = kernels.call.jsonShort(
      ...([count, endsAt, first ? 1 : 0, times, this.#unitNs, forms, values, columnCount] as const),
      ...([frameAt, tagsAt, tagsAt + count * 4, out] as const),
    );
    return kernels.bytes.subarray(out, end >>> 0);
  }
}
