// Runs test/query/*.script (format: oracle/script.ts) over the oracle: every function and clause, as text.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../src/base/errors.ts";
import type { TimeUnit } from "../src/model/types.ts";
import { runQuery, type Session } from "../src/query/session.ts";
import { resultJson } from "./oracle/json.ts";
import { writeLines } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";
import { comparable, defaultNow, parseScript } from "./oracle/script.ts";

const folder = join(import.meta.dir, "query");
const scripts = readdirSync(folder).filter((name) => name.endsWith(".script"));

for (const name of scripts)
  describe(name, () => {
    const oracle = new Oracle();
    oracle.createDatabase("db0");
    let nowNs = BigInt(Date.parse(defaultNow)) * 1_000_000n;
    const session: Session = {
      source: oracle,
      administration: oracle,
      clock: { nowNs: () => nowNs, elapsedMs: () => 0, every: () => () => {} },
      database: "db0",
    };
    for (const block of parseScript(readFileSync(join(folder, name), "utf8"))) {
      if (block.kind === "query")
        test(`line ${block.line}: ${block.text.replaceAll("\n", " ")}`, async () => {
          if (block.error !== null) {
            const { error } = block;
            expect(() => runQuery(block.text, session)).toThrow(new InputError(error));
            return;
          }
          const answers: string[] = [];
          for await (const result of runQuery(block.text, session))
            answers.push(await resultJson(result, block.unit as TimeUnit));
          expect(answers.map(comparable)).toEqual(block.expected.map(comparable));
        });
      else
        test(`line ${block.line}: ${block.kind}`, () => {
          if (block.kind === "now") nowNs = block.timeNs;
          else writeLines(oracle, "db0", block.lines);
        });
    }
  });
