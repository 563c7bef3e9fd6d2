// Runs test/query/*.script (format: oracle/script.ts) over the oracle, which shares nothing with the store, and over a whole database:
// every function, clause and statement, as text.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import { InputError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import type { TimeUnit } from "../src/model/types.ts";
import type { StatementResult } from "../src/query/result.ts";
import { runQuery, type Session } from "../src/query/session.ts";
import { MemoryDisk } from "./disk/memory.ts";
import { resultJson } from "./oracle/json.ts";
import { writeLines } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";
import { comparable, defaultNow, parseScript } from "./oracle/script.ts";

const folder = join(import.meta.dir, "query");
const scripts = readdirSync(folder).filter((name) => name.endsWith(".script"));

/** What a script runs against: with database db0, which is empty. */
interface Subject {
  run(text: string): AsyncIterable<StatementResult>;
  write(lines: string): Promise<void> | void;
}

function overOracle(clock: Clock): Subject {
  const oracle = new Oracle();
  oracle.nowNs = clock.nowNs;
  oracle.createDatabase("db0");
  const session: Session = { source: oracle, administration: oracle, clock, database: "db0" };
  return {
    run: (text) => runQuery(text, session),
    write: (lines) => writeLines(oracle, "db0", lines),
  };
}

async function overDatabase(clock: Clock): Promise<Subject> {
  const db = await Database.open({ dataDir: "/data", partitions: 2 }, new MemoryDisk(1), clock);
  await db.createDatabase("db0");
  return {
    run: (text) => db.run(text, { database: "db0" }),
    write: async (lines) => {
      const { errors } = await db.writeLines(lines, { database: "db0" });
      expect(errors).toEqual([]);
    },
  };
}

/** The oracle has one retention policy, and no shards. */
const needDatabase: ReadonlySet<string> = new Set(["administration.script"]);

for (const name of scripts)
  for (const over of needDatabase.has(name) ? ["database"] : ["oracle", "database"])
    describe(`${name} over the ${over}`, () => {
      let nowNs = BigInt(Date.parse(defaultNow)) * 1_000_000n;
      const clock: Clock = { nowNs: () => nowNs, elapsedMs: () => 0, every: () => () => {} };
      const opened = over === "oracle" ? overOracle(clock) : overDatabase(clock);
      for (const block of parseScript(readFileSync(join(folder, name), "utf8"))) {
        if (block.kind === "query")
          test(`line ${block.line}: ${block.text.replaceAll("\n", " ")}`, async () => {
            const subject = await opened;
            if (block.error !== null) {
              expect(() => subject.run(block.text)).toThrow(new InputError(block.error!));
              return;
            }
            const answers: string[] = [];
            for await (const result of subject.run(block.text))
              answers.push(await resultJson(result, block.unit as TimeUnit));
            expect(answers.map(comparable)).toEqual(block.expected.map(comparable));
          });
        else
          test(`line ${block.line}: ${block.kind}`, async () => {
            if (block.kind === "now") nowNs = block.timeNs;
            else await (await opened).write(block.lines);
          });
      }
    });
