// A server of three threads answers generated statements as one of a single thread does, whichever of its threads is asked, also
// after flushes and after threads have died: the same statuses, the same bodies but for rounding, and no excuses.
// `SERIE_THREADS_STATEMENTS=100000 SERIE_THREADS_SEED=7 bun test test/threads-differential.test.ts` goes on for longer.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { resolveOptions } from "../src/db/options.ts";
import { type Server, serve, serveThreads } from "../src/server.ts";
import { drawAdministration, leftOvers } from "./fuzz/administration.ts";
import { whatDiffers } from "./fuzz/compare.ts";
import { drawWrite, type Owners } from "./fuzz/data.ts";
import { Draw } from "./fuzz/draw.ts";
import { type Exchange, type Reply, sendInTime } from "./fuzz/pair.ts";
import { drawRead, mayChange } from "./fuzz/request.ts";
import { creation, drawSchema } from "./fuzz/schema.ts";
import { drawChange, drawStatement, readBack } from "./fuzz/statements.ts";
import { drawValueCall } from "./fuzz/value-calls.ts";

const SEED = Number(process.env["SERIE_THREADS_SEED"] ?? 1);
const STATEMENTS = Number(process.env["SERIE_THREADS_STATEMENTS"] ?? 2000);
const MOST_FINDINGS = 5;
const READS = 100;
const CHANGES = 8;
const AT_ONCE = 6;

setDefaultTimeout(60_000 + STATEMENTS * 60);

/** A connection of its own: the system gives each to one of the threads. */
const FRESH = { connection: "close" };

class Two {
  statements = 0;
  withRows = 0;
  readonly findings: string[] = [];

  constructor(
    readonly alone: Database,
    readonly head: Head,
    readonly servers: readonly [alone: Server, threads: Server],
  ) {}

  get isOver(): boolean {
    return this.statements >= STATEMENTS || this.findings.length >= MOST_FINDINGS;
  }

  async both(exchange: Exchange): Promise<[alone: Reply, threads: Reply]> {
    const [alone, threads] = this.servers;
    return Promise.all([sendInTime(alone.url, exchange, FRESH), sendInTime(threads.url, exchange, FRESH)]);
  }

  /** Whether both said the same. */
  async judge(exchange: Exchange, round: number): Promise<boolean> {
    const [alone, threads] = await this.both(exchange);
    if (exchange.kind === "query") this.statements++;
    if (alone.body.includes('"values"')) this.withRows++;
    const what = whatDiffers(exchange, threads, alone);
    if (what === null) return true;
    this.findings.push(
      `round ${round}, ${what}: ${JSON.stringify(exchange)}\n  threads ${threads.status} ${threads.body.slice(0, 1500)}\n  alone   ${alone.status} ${alone.body.slice(0, 1500)}`,
    );
    return false;
  }

  async disturb(draw: Draw): Promise<void> {
    switch (draw.below(3)) {
      case 0:
        await Promise.all([this.alone.flush(), this.head.flush()]);
        break;
      case 1:
        this.head.kill(1 + draw.below(2));
        // (its death is noticed a moment later)
        do await Bun.sleep(20);
        while ((await this.head.health()).status !== "pass");
        break;
    }
  }
}

// what is drawn by chance, or is of the moment, is not the same twice
const isOfChance = (text: string) =>
  /\bsample\s*\(|\bnow\s*\(|\banalyze\b|\bshow\s+(?:stats|diagnostics|queries)\b/i.test(text);

async function runRound(two: Two, round: number): Promise<void> {
  const draw = new Draw(SEED * 1_000_003 + round);
  const database = `fuzz${SEED}_${round}`;
  // ties are where the order of threads would show
  const schema = { ...drawSchema(draw), hasTies: true };
  const owners: Owners = new Map();
  const ask = (text: string, from = database): Exchange => ({
    kind: "query",
    database: from,
    text,
    epoch: "ns",
  });
  const next = (): string => {
    const text = draw.chance(0.2) ? drawValueCall(draw, schema) : drawStatement(draw, schema, database);
    return isOfChance(text) ? next() : text;
  };
  for (const text of creation(schema, database)) await two.judge(ask(text, ""), round);
  for (let i = draw.between(1, 3); i > 0; i--) {
    await two.judge(drawWrite(draw, schema, owners, database, draw.pick([3, 20, 60, 300])), round);
    await two.disturb(draw);
  }
  const reads = Array.from({ length: READS }, () => drawRead(draw, database, next));
  for (let at = 0; at < reads.length && !two.isOver; at += AT_ONCE) {
    const some = reads.slice(at, at + AT_ONCE);
    const [alone, together] = [some.filter(mayChange), some.filter((exchange) => !mayChange(exchange))];
    for (const exchange of alone) await two.judge(exchange, round);
    await Promise.all(together.map((exchange) => two.judge(exchange, round)));
  }
  for (let i = 0; i < CHANGES && !two.isOver; i++) {
    const { text, asks } = draw.chance(0.35)
      ? drawAdministration(draw, database)
      : { text: drawChange(draw, schema, database), asks: readBack(schema) };
    if (isOfChance(text)) continue;
    let isAlike = await two.judge(ask(text), round);
    if (draw.chance(0.3)) await two.disturb(draw);
    for (const each of asks) isAlike = (await two.judge(ask(each), round)) && isAlike;
    // after a difference the two are no longer alike
    if (!isAlike) break;
  }
  for (const text of [`DROP DATABASE ${database}`, ...leftOvers(database)]) await two.both(ask(text, ""));
}

test(`${STATEMENTS} statements drawn from seed ${SEED} are answered by three threads as by one`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-threads-fuzz-"));
  const alone = await Database.open({ dataDir: join(folder, "alone") });
  const head = await Head.open(resolveOptions({ dataDir: join(folder, "threads"), threads: 3 }));
  const servers = [
    serve(alone, { port: 0 }),
    await serveThreads(head, { port: 0, logLevel: "silent" }),
  ] as const;
  const two = new Two(alone, head, servers);
  try {
    for (let round = 0; !two.isOver; round++) await runRound(two, round);
  } finally {
    for (const server of servers) await server.stop(100);
    await Promise.all([alone.close(), head.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
  expect(two.findings).toEqual([]);
  // a run of errors would show nothing
  expect(two.withRows).toBeGreaterThan(STATEMENTS / 3);
});
