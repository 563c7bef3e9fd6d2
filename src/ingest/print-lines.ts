// WriteBatch bytes back to line protocol: one line a row, times in ns. For what is sent on to others; not for the write path.
import { type BatchValue, openBatch } from "../model/batchview.ts";
import { escapeTag } from "../model/serieskey.ts";
import { FieldType } from "../model/types.ts";

// a leading U+FEFF is part of a name or value, as every other character
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** The rows of a batch as lines without their line ends. */
export function* printLines(batch: Uint8Array): Generator<string> {
  for (const table of openBatch(batch).tables) {
    const keys = Array.from({ length: table.seriesCount }, (_, i) => text.decode(table.seriesKey(i)));
    const fields = table.fields.map(({ name, type }) => ({ name: escapeTag(text.decode(name)), type }));
    for (const { series, time, values } of table.rows()) {
      const pairs: string[] = [];
      for (const [f, value] of values.entries()) {
        const { name, type } = fields[f]!;
        if (value !== undefined) pairs.push(`${name}=${printValue(value, type)}`);
      }
      yield `${keys[series]} ${pairs.join(",")} ${time}`;
    }
  }
}

function printValue(value: BatchValue, type: FieldType): string {
  if (value instanceof Uint8Array) return `"${text.decode(value).replace(/["\\]/g, "\\$&")}"`;
  if (type === FieldType.Integer) return `${value}i`;
  if (type === FieldType.Unsigned) return `${value}u`;
  return Object.is(value, -0) ? "-0" : String(value);
}
