// Sequences: what transformations take and give, values over time in the order in which the answer is wanted.
import type { FieldType } from "../../model/types.ts";

/** Values over time, in any order of time. */
export interface Sequence {
  readonly type: FieldType;
  readonly count: number;
  readonly times: BigInt64Array;
  readonly values: ArrayLike<number | bigint>;
}

/** The other way in time. */
export function reversed<T extends Pick<Sequence, "times"> & { readonly values: ArrayLike<unknown> }>(
  sequence: T,
): T {
  const values = Array.from(sequence.values).reverse();
  return { ...sequence, times: sequence.times.slice().reverse(), values };
}

/** A sequence that only grows at its end. */
export class SequenceBuilder {
  readonly times: BigInt64Array;
  readonly values: (number | bigint)[] = [];

  /** `room`: points at most. */
  constructor(room: number) {
    this.times = new BigInt64Array(room);
  }

  add(time: bigint, value: number | bigint): void {
    this.times[this.values.length] = time;
    this.values.push(value);
  }

  finish(type: FieldType): Sequence {
    const count = this.values.length;
    return { type, count, times: this.times.subarray(0, count), values: this.values };
  }
}
