// Batches cut by owner: every row is in one part, with its values, in its order; parts are batches that hold every check.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BatchBuilder, type FieldValue } from "../src/ingest/builder.ts";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { BatchSplitter } from "../src/kernels/split.ts";
import { type BatchView, openBatch } from "../src/model/batchview.ts";
import { partitionOfHash } from "../src/ring/partition.ts";

const kernels = new Kernels();
const latin1 = new TextDecoder("latin1");

/** A row in words: measurement, series key, time and its values by field and type. */
function* wordsOf(batch: BatchView): Generator<{ hash: bigint; words: string }> {
  for (const table of batch.tables) {
    const names = table.fields.map(({ name, type }) => `${latin1.decode(name)}/${type}`);
    for (const { series, time, values } of table.rows()) {
      const fields = values
        .map((value, f) => [names[f], value instanceof Uint8Array ? latin1.decode(value) : value] as const)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${Object.is(value, -0) ? "-0" : value}`);
      const key = latin1.decode(table.seriesKey(series));
      const words = `${latin1.decode(table.measurement)} ${key} ${time} ${fields.sort().join(" ")}`;
      yield { hash: table.seriesHash(series), words };
    }
  }
}

function check(bytes: Uint8Array, owners: Uint8Array): void {
  const whole = openBatch(bytes);
  const splitter = new BatchSplitter(kernels, owners);
  const batch = kernels.alloc(bytes.length);
  kernels.put(batch, bytes);
  const ownerOf = (hash: bigint) => owners[partitionOfHash(hash, owners.length)]!;
  const rows = splitter.rowsOf(batch, bytes.length);
  for (let owner = 0; owner < rows.length; owner++) {
    const part = openBatch(splitter.part(batch, bytes.length, owner).slice(), `part of ${owner}`);
    const own = [...wordsOf(whole)].filter(({ hash }) => ownerOf(hash) === owner).map(({ words }) => words);
    expect(rows[owner]).toBe(own.length);
    expect(part.rowCount).toBe(own.length);
    expect([...wordsOf(part)].map(({ words }) => words)).toEqual(own);
    expect([part.database, part.retentionPolicy]).toEqual([whole.database, whole.retentionPolicy]);
    for (const table of part.tables)
      for (const field of table.fields) expect(field.valueCount).toBeGreaterThan(0);
  }
  kernels.free(batch);
  splitter.close();
}

const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.boolean(),
  fc.string({ maxLength: 9 }),
);
const point = fc.record({
  measurement: fc.constantFrom("m", "wind, speed", "ü"),
  host: fc.integer({ min: 0, max: 20 }),
  fields: fc.dictionary(fc.constantFrom("a", "b", "cc", "température"), value, { minKeys: 1 }),
  time: fc.bigInt(-1000n, 1000n),
});
const ownerList = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 17 })
  .map((list) => Uint8Array.from(list));

test("each owner gets its rows and nothing else, for any points and owners", () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 60, size: "max" }), ownerList, (points, owners) => {
      const builder = new BatchBuilder({ database: "db", retentionPolicy: "rp" });
      for (const { measurement, host, fields, time } of points)
        builder.add(measurement, [{ key: "host", value: `h${host}` }], Object.entries(fields), time);
      check(builder.finish(), owners);
    }),
    { numRuns: 300 },
  );
});

test("what the line parser made is cut as what the builder made", () => {
  const lines = Array.from(
    { length: 5000 },
    (_, i) =>
      `cpu,host=h${i % 97},region=r${i % 7} a=${i / 4},b=${i}i${i % 3 ? "" : `,c="text ${i}"`}${i % 5 ? ",d=t" : ""} ${i}`,
  );
  const parser = new LineParser(kernels);
  const parsed = parser.parse(new TextEncoder().encode(lines.join("\n")), { database: "x", nowNs: 1n });
  const bytes = kernels.view(parsed.batch, parsed.batchBytes).slice();
  parsed.free();
  for (const owners of [
    [0, 1],
    [2, 1, 0, 0, 1, 2, 1],
    [0, 0, 0],
  ])
    check(bytes, Uint8Array.from(owners));
  parser.close();
});
