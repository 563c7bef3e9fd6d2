// A process that is killed while some of its threads have done their part of a change and one has not: `changing.ts DIR STATEMENT
// LINES`. Thread 2 dies as the change begins; once thread 1 has done its part, LINES are written, and the process kills itself.
// Prints "middle" when thread 2 has not done its part by then.
import { existsSync, readdirSync, statSync } from "node:fs";
import { Head } from "../../src/db/head.ts";
import { resolveOptions } from "../../src/db/options.ts";

const [dataDir, statement, lines] = process.argv.slice(2) as [string, string, string];

function logBytes(thread: number): number {
  const folder = `${dataDir}/wal-${thread}-of-3`;
  return readdirSync(folder)
    .filter((name) => name.endsWith(".log"))
    .reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0);
}

async function run(head: Head): Promise<void> {
  for await (const { series } of head.run(statement, { database: "d" })) for await (const _ of series);
  console.log("answered");
}

const head = await Head.open(resolveOptions({ dataDir, threads: 3 }));
const before = [0, 1, 2].map(logBytes);
void run(head).catch((error) => console.log(String(error)));
while (!existsSync(`${dataDir}/change`)) await new Promise((resolve) => setImmediate(resolve));
head.kill(2);
while (logBytes(1) === before[1]) await new Promise((resolve) => setImmediate(resolve));
if (lines !== "") await head.writeLines(lines, { database: "d" });
if (logBytes(2) === before[2]) console.log("middle");
process.kill(process.pid, "SIGKILL");
