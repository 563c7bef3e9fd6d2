// Texts with any characters in them: what is told apart by several of them stays apart, NUL and digits and colons included.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { resolveOptions } from "../src/db/options.ts";
import { listKey } from "../src/model/listkey.ts";
import { resultJson } from "./oracle/json.ts";

test("lists of one length have one key only when they are the same", () => {
  const text = fc.string({ unit: fc.constantFrom("\0", ":", "1", "2", "a", "é"), maxLength: 4 });
  const two = fc.integer({ min: 1, max: 4 }).chain((length) => {
    const list = fc.array(text, { minLength: length, maxLength: length });
    return fc.tuple(list, list);
  });
  fc.assert(
    fc.property(two, ([a, b]) => {
      expect(listKey(a) === listKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 20_000 },
  );
});

// two series, four lists that read the same when they are put one behind the other
const lines = ["m,a=x\0,b=y v=1,w=7i 1000", "m,a=x,b=\0y v=2,w=7i 1000", "n,a=x,b=\0y v=5 1000"].join("\n");

async function answersOf(db: Database | Head): Promise<Map<string, unknown>> {
  const { errors } = await db.writeLines(lines, { database: "d" });
  expect(errors).toEqual([]);
  const answers = new Map<string, unknown>();
  for (const [text] of questions) {
    for await (const result of db.run(text, { database: "d" }))
      answers.set(text, JSON.parse(await resultJson(result, "ns")));
  }
  return answers;
}
const apart = (column: string, first: unknown, second: unknown, time = 0) => ({
  series: [
    { name: "m", tags: { a: "x", b: "\0y" }, columns: ["time", column], values: [[time, first]] },
    { name: "m", tags: { a: "x\0", b: "y" }, columns: ["time", column], values: [[time, second]] },
  ],
});
const counts = { columns: ["count"], values: [[1]] };
const questions: [string, object][] = [
  ["SELECT v FROM m GROUP BY a, b", apart("v", 2, 1, 1000)],
  ["SELECT sum(v) FROM m GROUP BY a, b", apart("sum", 2, 1)],
  ["SELECT median(v) FROM m GROUP BY a, b", apart("median", 2, 1)],
  ["SELECT percentile_approx(v, 50) AS p FROM m GROUP BY a, b", apart("p", 2, 1)],
  ["SELECT sum(v) AS s FROM (SELECT v FROM m GROUP BY a, b) GROUP BY a, b", apart("s", 2, 1)],
  [
    "SHOW SERIES EXACT CARDINALITY FROM m GROUP BY a, b",
    {
      series: [
        { name: "m", tags: { a: "x", b: "\0y" }, ...counts },
        { name: "m", tags: { a: "x\0", b: "y" }, ...counts },
      ],
    },
  ],
  [
    "SELECT m.v + n.v AS sum FROM m JOIN n USING (time, a, b)",
    { series: [{ name: "m_n", columns: ["time", "sum"], values: [[1000, 7]] }] },
  ],
];

test.each([1, 2])(
  "groups by tags of any text, %d threads",
  async (threads) => {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-listkey-"));
    const options = resolveOptions({ dataDir, threads });
    const db = threads === 1 ? await Database.open(options) : await Head.open(options);
    try {
      const answers = await answersOf(db);
      for (const [text, expected] of questions)
        expect([text, answers.get(text)]).toEqual([text, { statement_id: 0, ...expected }]);
    } finally {
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  },
  60_000,
);
