// DuckDB behind HTTP, so that it is loaded and asked as the servers are: `bun scripts/bench/duckdb.ts FILE PORT`.
//
//   POST /write   line protocol of tsbs.ts        -> CSV in a file -> INSERT ... FROM read_csv
//   GET  /query   sql=...                         -> { elapsedMs, cells, total }
//
// A query is timed here, from its text to its last row fetched into this process (all threads DuckDB takes by itself): the
// way over HTTP and JSON, which the servers pay, is not DuckDB's to pay, nor are the JavaScript values that the check makes of
// the rows. Loads are not measured.
import { rmSync, writeFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Answer } from "./answer.ts";
import { fieldNames, tagNames } from "./tsbs.ts";

const [file = "", port = ""] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(file)).connect();
const columns = [...tagNames.map((name) => `${name} VARCHAR`), ...fieldNames.map((name) => `${name} DOUBLE`)];

/** Bodies are inserted one after the other. */
let inserted: Promise<unknown> = Promise.resolve();
let bodyCount = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  maxRequestBodySize: 2 ** 30,
  async fetch(request) {
    const url = new URL(request.url);
    try {
      if (url.pathname === "/write") {
        await write(await request.text());
        return new Response(null, { status: 204 });
      }
      if (url.pathname === "/query") return Response.json(await query(url.searchParams.get("sql") ?? ""));
      if (url.pathname === "/checkpoint") await connection.run("CHECKPOINT");
      return new Response("ok");
    } catch (error) {
      return new Response((error as Error).message, { status: 500 });
    }
  },
});
process.on("SIGTERM", async () => {
  await inserted;
  await connection.run("CHECKPOINT");
  await server.stop();
  process.exit(0);
});

function write(lines: string): Promise<unknown> {
  const path = `${file}-${bodyCount++}.csv`;
  const measurement = lines.slice(0, lines.indexOf(","));
  // `cpu,hostname=host_0,... usage_user=58.13,...,usage_x=1i 1451606400000000000`: the names go, and the i of integers
  const csv = lines.replace(/(?:^\w+,|(?<=[, ]))\w+=/gm, "").replace(/i?[, ]/g, ",");
  writeFileSync(path, csv);
  const insert = async () => {
    try {
      await connection.run(`CREATE TABLE IF NOT EXISTS ${measurement} (${columns.join(", ")}, time BIGINT)`);
      await connection.run(
        `INSERT INTO ${measurement} SELECT * FROM read_csv('${path}', header = false, all_varchar = true)`,
      );
    } finally {
      rmSync(path);
    }
  };
  inserted = inserted.then(insert, insert);
  return inserted;
}

async function query(sql: string): Promise<Answer & { elapsedMs: number }> {
  const start = performance.now();
  const reader = await connection.runAndReadAll(sql);
  const elapsedMs = performance.now() - start;
  const types = reader.columnTypes().map(String);
  const read = reader.getColumns();
  let cells = 0;
  let total = 0;
  read.forEach((values, column) => {
    if (types[column] !== "DOUBLE") return;
    for (const value of values) {
      if (typeof value !== "number") continue;
      cells++;
      total += value;
    }
  });
  return { elapsedMs, cells, total };
}
