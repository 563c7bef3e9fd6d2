// Rehearsal: what a server does all day, done once before it serves, on a disk in memory with a database of its own.
//
// The runtime compiles a function when it is first called: the first query would pay for the parser, the planner, the stores and
// the writer of answers, ten times what it costs itself.
import { pino } from "pino";
import { Database } from "../db/database.ts";
import { RamDisk } from "../disk/ram.ts";
import { createApp } from "./app.ts";

/** Of two series, which have row groups of their own then. */
const ROWS = 1000;
/** Of a row each: the kernels of catalog and tag index are compiled, too, when they have worked a little. */
const SERIES = 200;
const START_S = 1_577_836_800;

const range = `time >= ${START_S}s AND time < ${START_S + ROWS * 10}s`;
const queries = [
  `SELECT max(a), max(b) FROM m WHERE (h = 'x' OR h = 'y') AND ${range} GROUP BY time(1m)`,
  `SELECT mean(a) FROM m WHERE ${range} GROUP BY time(1h), h`,
  `SELECT * FROM m WHERE a > 9 AND ${range} AND h = 'x'`,
  "SELECT * FROM m GROUP BY h ORDER BY time DESC LIMIT 1",
  "SELECT * FROM s WHERE h = '1'",
  `SELECT max(a) FROM m WHERE time < ${START_S + 3600}s GROUP BY time(1m) ORDER BY time DESC LIMIT 5`,
];

/** Resolves when it is done: whether all went well. Nothing of it is seen from outside. */
export async function rehearse(): Promise<boolean> {
  try {
    const db = await Database.open({ dataDir: "/rehearsal", partitions: 1 }, new RamDisk());
    await perform(db).finally(() => db.close());
    // the collector would come in the middle of the first query
    Bun.gc(true);
    return true;
  } catch {
    // (the server will say what it cannot do)
    return false;
  }
}

async function perform(db: Database): Promise<void> {
  const app = createApp(db, { ...db.options, authEnabled: false }, pino({ level: "silent" }));
  const send = async (path: string, parameters: Record<string, string>, body?: string) => {
    const url = `http://localhost${path}?${new URLSearchParams({ db: "d", ...parameters })}`;
    const response = await app.handle(new Request(url, body === undefined ? {} : { method: "POST", body }));
    const text = await response.text();
    if (!response.ok || text.includes('"error"')) throw new Error(text);
  };
  await send("/write", { precision: "s" }, lines(START_S));
  await db.flush();
  await send("/write", { precision: "s" }, lines(START_S + ROWS * 5));
  for (const q of queries) await send("/query", { q });
}

// Two series of many rows each, and many series of a row.
function lines(fromS: number): string {
  const text: string[] = [];
  for (let row = 0; row < ROWS; row++)
    text.push(`m,h=${row % 2 ? "x" : "y"} a=${row % 10},b=${row / 8} ${fromS + row * 10}`);
  for (let series = 0; series < SERIES; series++) text.push(`s,h=${series},i=${series % 9},j=k a=1 ${fromS}`);
  return text.join("\n");
}
