// Compaction loses and changes nothing: strings of many short series, ranges written twice out of step, a drop beside it,
// a damaged segment among the inputs.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { open, type Serie } from "../src/index.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "serie-compact-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

type Measured = { metrics(): ReturnType<Serie["metrics"]> | ReturnType<Database["metrics"]> };

const metric = async (db: Measured, name: string) =>
  (await db.metrics()).find((one) => one.name === name)?.value ?? Number.NaN;

async function compacted(db: Measured, runs = 1): Promise<void> {
  while ((await metric(db, "serie_compactions_total")) < runs) await Bun.sleep(5);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("strings of short series that share row groups, which end at other series than before", async () => {
  const db = await open({ dataDir, partitions: 1 });
  const [flushes, hosts, rows] = [4, 100, 49];
  const value = (flush: number, host: number, row: number) =>
    `value of host ${host} in flush ${flush}, row ${row}`;
  for (const flush of range(flushes)) {
    const lines = range(hosts).flatMap((host) =>
      range(rows).map((row) => `m,host=${host} s="${value(flush, host, row)}" ${flush * rows + row}`),
    );
    await db.writeLines(lines.join("\n"));
    await db.flush();
  }
  await compacted(db);
  const answer = await db.query("SELECT s FROM m GROUP BY host");
  expect(answer).toHaveLength(hosts);
  for (const { tags, rows: found } of answer) {
    const wanted = range(flushes).flatMap((flush) =>
      range(rows).map((row) => value(flush, Number(tags!.host), row)),
    );
    expect(found.map(([, text]) => text)).toEqual(wanted);
  }
  await db.close();
}, 30_000);

test("series that come and go: each is in one of the merged segments, of any length, with gaps in its fields", async () => {
  const db = await open({ dataDir, partitions: 1 });
  const [flushes, hosts] = [4, 30];
  // rows of a host: 1 to 40, around the number that is copied in one way or another
  const rowsOf = (host: number) => range(1 + ((host * 7) % 40));
  const wanted = new Map<string, unknown[][]>();
  for (const flush of range(flushes)) {
    const lines = range(hosts).flatMap((each) => {
      // neighbours in the catalog, and in a row group, are of other flushes after the merge
      const host = each * flushes + flush;
      const rows = rowsOf(host).map((row) => {
        const time = BigInt(flush * 100 + row);
        const text = (host + row) % 3 === 0 ? null : `row ${row} of ${host}`;
        const whole = (host + row) % 5 === 0 ? null : host * 1000 + row;
        return [time, row + host / 128, whole, row % 2 === 0, text];
      });
      wanted.set(String(host), rows);
      return rows.map(([time, float, whole, flag, text]) => {
        const fields = [`f=${float}`, `flag=${flag}`];
        if (whole !== null) fields.push(`i=${whole}i`);
        if (text !== null) fields.push(`s="${text}"`);
        return `m,host=${host} ${fields.join(",")} ${time}`;
      });
    });
    await db.writeLines(lines.join("\n"));
    await db.flush();
  }
  const check = async () => {
    const answer = await db.query("SELECT f, i, flag, s FROM m GROUP BY host");
    expect(new Map(answer.map(({ tags, rows }) => [tags!.host!, rows]))).toEqual(wanted as never);
  };
  await compacted(db);
  await check();
  await db.close();
}, 30_000);

test("a long range written several times, out of step: merged piece by piece, read, folded and compacted", async () => {
  const db = await open({ dataDir, partitions: 1 });
  const count = 30_000;
  const wanted = new Map<number, [a: number | null, s: string | null]>();
  const check = async () => {
    const rows = [...wanted].sort(([a], [b]) => a - b).map(([time, values]) => [BigInt(time), ...values]);
    const all = await db.query("SELECT a, s FROM m");
    expect(all[0]!.rows.length).toBe(rows.length);
    expect(Bun.deepEquals(all[0]!.rows, rows)).toBe(true);
    const newest = await db.query("SELECT a, s FROM m ORDER BY time DESC LIMIT 5000");
    expect(Bun.deepEquals(newest[0]!.rows, rows.slice(-5000).reverse())).toBe(true);
    const part = rows.filter(([time]) => Number(time) >= 9_999 && Number(time) < 50_001);
    const narrow = await db.query("SELECT a, s FROM m WHERE time >= 9999 AND time < 50001");
    expect(Bun.deepEquals(narrow[0]!.rows, part)).toBe(true);
    const sum = rows.reduce((total, [, a]) => total + ((a as number | null) ?? 0), 0);
    expect((await db.query("SELECT sum(a), count(s) FROM m"))[0]!.rows[0]!.slice(1)).toEqual([
      sum,
      rows.filter(([, , s]) => s !== null).length,
    ]);
  };
  for (const flush of range(4)) {
    const lines = range(count).map((i) => {
      // the third write hits points of the first; each begins inside a row group of the others
      const time = i * 4 + (flush % 2) * 3 + flush * 5000;
      const known = wanted.get(time) ?? [null, null];
      if (flush % 2 === 0) known[0] = i + flush;
      if (flush !== 2) known[1] = `${flush}/${i}`;
      wanted.set(time, known);
      const fields = [
        ...(flush % 2 === 0 ? [`a=${i + flush}`] : []),
        ...(flush !== 2 ? [`s="${flush}/${i}"`] : []),
      ];
      return `m ${fields.join(",")} ${time}`;
    });
    await db.writeLines(lines.join("\n"));
    await check();
    await db.flush();
    if (flush === 1) await check();
  }
  await compacted(db);
  await check();
  await db.close();
}, 60_000);

test("a drop in another database while a compaction runs takes nothing from it", async () => {
  const db = await Database.open({ dataDir, partitions: 1 });
  const names = ["a", "b", "c", "d"];
  await db.writeLines("gone v=1 1", { database: "other" });
  for (const flush of range(4)) {
    const lines = names.flatMap((name) =>
      range(20_000).map((i) => `${name},h=${i % 500} v=${i} ${flush * 20_000 + i}`),
    );
    await db.writeLines(lines.join("\n"), { database: "db0" });
    await db.flush();
  }
  await db.dropDatabase("other");
  await compacted(db);
  for (const name of names) {
    for await (const { series } of db.run(`SELECT count(v) FROM ${name}`, { database: "db0" }))
      for await (const { rows } of series) expect(Number(rows[0]![1])).toBe(80_000);
  }
  expect(db.health().status).toBe("pass");
  await db.close();
}, 30_000);

// Three flushes, then a byte of the first segment is changed.
async function damage(placeInFile: (sizeBytes: number) => number): Promise<void> {
  const db = await open({ dataDir, partitions: 1 });
  for (const flush of range(3)) await writeAndFlush(db, flush);
  await db.close();
  const folder = join(dataDir, "p00");
  const path = join(folder, readdirSync(folder).filter((name) => name.endsWith(".seg"))[0]!);
  const bytes = readFileSync(path);
  const at = placeInFile(bytes.length);
  bytes[at] = bytes[at]! ^ 0x10;
  writeFileSync(path, bytes);
}

async function writeAndFlush(db: Serie, flush: number): Promise<void> {
  await db.writeLines(
    range(5000)
      .map((i) => `m v=${Math.random()} ${flush * 5000 + i}`)
      .join("\n"),
  );
  await db.flush();
}

test("a damaged page is reported, its segment is left out of compactions, and writes go on", async () => {
  await damage(() => 300);
  const db = await open({ dataDir });
  for (const flush of range(4)) await writeAndFlush(db, flush + 3);
  await compacted(db);
  expect((await db.health()).status).toBe("fail");
  expect((await db.health()).message).toMatch(/0000000001\.seg is corrupt at byte/);
  expect((await db.writeLines("m v=1 1000000")).errors).toEqual([]);
  expect((await db.query("SELECT count(v) FROM m WHERE time >= 5000"))[0]!.rows[0]![1]).toBe(30_001);
  await db.close();
}, 30_000);

test("a segment set aside at one start is still only missing at the next, also without a flush between", async () => {
  await damage((sizeBytes) => sizeBytes - 200);
  const script = `
    const { open } = await import(${JSON.stringify(join(import.meta.dir, "../src/index.ts"))});
    const db = await open({ dataDir: ${JSON.stringify(dataDir)} });
    console.log((await db.health()).status);
    process.kill(process.pid, "SIGKILL");`;
  for (const _ of range(2)) {
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    expect(await new Response(child.stdout).text()).toBe("fail\n");
  }
  const db = await open({ dataDir });
  expect((await db.query("SELECT count(v) FROM m"))[0]!.rows[0]![1]).toBe(10_000);
  await db.close();
}, 30_000);
