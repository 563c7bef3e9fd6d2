// WriteBatch bytes back to line protocol: one line a row, times in ns, as byte text (model/bytetext.ts), for tags and strings need not be
// UTF-8. For what is sent on to others; not for the write path.
import { type BatchValue, openBatch } from "../model/batchview.ts";
import { byteText } from "../model/bytetext.ts";
import { escapeTag } from "../model/serieskey.ts";
import { FieldType } from "../model/types.ts";

/** The rows of a batch as lines without their line ends. */
export function* printLines(batch: Uint8Array): Generator<string> {
  for (const table of openBatch(batch).tables) {
    const keys = Array.from({ length: table.seriesCount }, (_, i) => byteText(table.seriesKey(i)));
    const fields = table.fields.map(({ name, type }) => ({ name: escapeTag(byteText(name)), type }));
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
  if (value instanceof Uint8Array) return `"${byteText(value).replace(/["\\]/g, "\\$&")}"`;
  if (type === FieldType.Integer) return `${value}i`;
  if (type === FieldType.Unsigned) return `${value}u`;
  return Object.is(value, -0) ? "-0" : String(value);
}
