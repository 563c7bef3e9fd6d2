// elapsed(field, unit): how long after the point before it each point stands, in whole units, of values of any type.
import { FieldType } from "../../model/types.ts";
import { integerCell } from "../cells.ts";
import { type Sequence, SequenceBuilder } from "./sequence.ts";

/** Whole units, cut towards zero; negative where the sequence goes back in time. The first point has none. */
export function elapsed({ times, count }: Sequence, unitNs: number): Sequence {
  const output = new SequenceBuilder(count);
  const unit = BigInt(unitNs);
  for (let i = 1; i < count; i++) {
    const time = times[i]!;
    output.add(time, integerCell((time - times[i - 1]!) / unit));
  }
  return output.finish(FieldType.Integer);
}
