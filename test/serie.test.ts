// The library's calls beyond what the README's example shows.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, open } from "../src/index.ts";

test("a refused point throws, and points that were read can be written again with their types", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-library-"));
  const db = await open({ dataDir });
  try {
    const point = {
      measurement: "m",
      tags: { a: "b c,=" },
      fields: { i: 2n ** 62n, f: 1.5, s: "x", b: true },
    };
    await db.write({ ...point, time: 1n });
    await db.write({ ...point, fields: { i: 7n }, time: 2n });
    expect(db.write({ ...point, fields: { i: "text" }, time: 3n })).rejects.toThrow(InputError);
    const read = await db.read("m", 0n, 10n, { a: "b c,=" });
    expect(read).toEqual([
      { ...point, time: 1n },
      { ...point, fields: { i: 7n }, time: 2n },
    ]);
    const outcome = await db.writeBatch(read.map((row) => ({ ...row, measurement: "copy" })));
    expect(outcome).toEqual({ rows: 2, dropped: 0, errors: [], partial: false });
    const [types] = await db.query("SHOW FIELD KEYS FROM copy");
    expect(types?.rows).toEqual([
      ["b", "boolean"],
      ["f", "float"],
      ["i", "integer"],
      ["s", "string"],
    ]);
  } finally {
    await db.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test("what is no time is named, with the forms that are", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-library-"));
  const db = await open({ dataDir });
  try {
    const point = { measurement: "m", fields: { f: 1 } };
    const forms = "bigint (ns), number (ms since 1970) or Date";
    for (const [time, shown] of [
      ["2024-01-01", '"2024-01-01"'],
      [Number.NaN, "NaN"],
      [new Date("nope"), "Invalid Date"],
      [null, "null"],
      [{}, "an object"],
    ] as const)
      expect(db.write({ ...point, time: time as unknown as bigint })).rejects.toThrow(
        `points[0]: time: ${shown} is no time: expected ${forms}`,
      );
    const read = `${forms}, or text such as "2024-01-15" or "2024-01-15T10:00:00Z"`;
    expect(db.read("m", "2024-01-01", "nope")).rejects.toThrow(`end: "nope" is no time: expected ${read}`);
    expect(db.read("m", Number.POSITIVE_INFINITY, 0n)).rejects.toThrow(
      `start: Infinity is no time: expected ${read}`,
    );
    expect(db.read("m", new Date(Number.NaN), 0n)).rejects.toThrow("start: Invalid Date is no time");
    expect(db.read("m", undefined as unknown as bigint, 0n)).rejects.toThrow("start: undefined is no time");
    expect(await db.read("m", "2024-01-15", "2024-01-15T10:00:00.5+01:00")).toEqual([]);
    expect(await db.read("m", "2024-01-15 10:00:00", 1.5)).toEqual([]);
  } finally {
    await db.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
