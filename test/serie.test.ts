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
