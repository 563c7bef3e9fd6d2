// Rows that are kept as columns, as the bytes of a JSON answer: `[time,a,b],[time,a,b]`, by the kernel (kernels/assembly/json.ts).
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import type { JsonPart } from "./json-part.ts";

/** What the kernel may write behind a number. */
const SPARE_BYTES = 8;

export class JsonRows {
  readonly #kernels: Kernels;
  readonly #part: JsonPart;
  readonly #unitNs: bigint;
  readonly #pieceBytes: number;
  readonly #out: Scratch;

  /** `unitNs`: what times are cut to, 0 = RFC 3339. `close` when done. */
  constructor(kernels: Kernels, part: JsonPart, unitNs: bigint, pieceBytes: number) {
    this.#kernels = kernels;
    this.#part = part;
    this.#unitNs = unitNs;
    this.#pieceBytes = pieceBytes;
    this.#out = new Scratch(kernels);
  }

  close(): void {
    this.#out.release();
  }

  /** The rows of a part in pieces of `pieceBytes` or a little more, each valid until the next is asked for. `first`: of their series. */
  *pieces(part: ColumnarRows, first: boolean): Generator<Uint8Array> {
    const { times, forms, columns, columnCount, rowBytes } = this.#part.load(part);
    const out = this.#out.reserve(this.#pieceBytes + rowBytes + SPARE_BYTES);
    const { call } = this.#kernels;
    for (let row = 0; row < part.count; ) {
      row = call.jsonRows(
        ...([row, part.count, first ? 1 : 0, times, this.#unitNs, forms, columns] as const),
        ...([columnCount, out, out + this.#pieceBytes] as const),
      );
      yield this.#kernels.bytes.subarray(out, call.jsonEnd() >>> 0);
    }
  }
}
