// docs/operations.md: its blocks as they stand there, with this machine's names put in.
import { afterAll, expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseCommandLine } from "../src/cli/flags.ts";
import { open } from "../src/index.ts";
import { serve } from "../src/server.ts";
import { ServerProcess } from "./crash/server.ts";

const root = join(import.meta.dir, "..");
const page = readFileSync(join(root, "docs/operations.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "serie-operations-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The block of this kind that has these words; a name that is to be replaced and is not there fails. */
function block(kind: string, words: string, replaced: readonly (readonly [string, string])[]): string {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, "gs"))].map(([, text]) => text!);
  const found = blocks.filter((text) => text.includes(words));
  expect(found).toHaveLength(1);
  return replaced.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, found[0]!);
}

async function bash(script: string): Promise<string> {
  const child = Bun.spawn(["bash", "-e", "-o", "pipefail", "-c", script], {
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(errors).toBe("");
  expect(await child.exited).toBe(0);
  return output;
}

const count = async (dataDir: string): Promise<unknown> => {
  const db = await open({ dataDir });
  try {
    return (await db.query("SELECT count(v) FROM m", { database: "home" }))[0]?.rows[0]?.[1];
  } finally {
    await db.close();
  }
};

test("systemd's unit: systemd takes it, and serie the command", async () => {
  const unit = block("ini", "[Service]", [
    ["/usr/local/bin/bun", process.execPath],
    ["/opt/serie", root],
    ["User=serie", "User=root"],
  ]);
  const [, script, ...args] = /^ExecStart=(.*)$/m.exec(unit)![1]!.split(" ");
  expect(existsSync(script!)).toBe(true);
  expect(parseCommandLine(args)).toMatchObject({ command: "server", options: { dataDir: "/var/lib/serie" } });
  if (Bun.which("systemd-analyze") === null) return;
  writeFileSync(join(folder, "serie.service"), unit);
  // what it does not know it says, and ends with 0
  await bash(`systemd-analyze verify ${join(folder, "serie.service")}`);
});

test("a copy of a held process has all that was acknowledged, also while it is written to", async () => {
  const [dataDir, copy] = [join(folder, "held"), join(folder, "held-copy")];
  const server = new ServerProcess(dataDir, ["--threads", "2", "--max-mem-size", "1MiB"]);
  try {
    const base = await server.ready();
    let acknowledged = 0;
    let isDone = false;
    const writing = (async () => {
      for (let at = 0; !isDone; at += 2000) {
        const lines = Array.from({ length: 2000 }, (_, i) => `m,h=${i % 50} v=${at + i} ${at + i}`);
        const { status } = await fetch(`${base}/write?db=home`, { method: "POST", body: lines.join("\n") });
        expect(status).toBe(204);
        acknowledged = at + 2000;
      }
    })();
    const commands = block("sh", "--signal=STOP", [
      ["systemctl kill --signal=STOP serie", `kill -STOP ${server.pid}`],
      ["systemctl kill --signal=CONT serie", `kill -CONT ${server.pid}`],
      ["/var/lib/serie", dataDir],
      ["/backup/serie-new", copy],
    ]);
    for (let round = 0; round < 3; round++) {
      await Bun.sleep(400);
      const before = acknowledged;
      await bash(commands);
      expect(Number(await count(copy))).toBeGreaterThanOrEqual(before);
      rmSync(copy, { recursive: true });
    }
    isDone = true;
    await writing;
    expect(acknowledged).toBeGreaterThan(10_000);
  } finally {
    await server.kill("SIGKILL");
  }
});

test.skipIf(Bun.which("curl") === null)(
  "an export of InfluxDB comes in, in pieces; what is refused is said",
  async () => {
    const db = await open({ dataDir: join(folder, "imported") });
    const server = serve(db, { port: 0, logLevel: "silent" });
    try {
      const points = Array.from({ length: 120_000 }, (_, i) => `CREATE,h=${i % 7} v=${i / 2} ${i}`);
      points[60_000] = "CREATE,h=1 v= 5";
      const head = [
        "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z",
        "# DDL",
        "CREATE DATABASE home WITH NAME autogen",
        ...["# DML", "# CONTEXT-DATABASE:home", "# CONTEXT-RETENTION-POLICY:autogen", "# writing tsm data"],
      ];
      const lines = [...head, ...points, "# writing wal data", "CREATE n=1i 7"];
      writeFileSync(join(folder, "home.gz"), gzipSync(`${lines.join("\n")}\n`));
      const printed = await bash(
        block("sh", "split", [["http://127.0.0.1:8086", server.url.replace(/\/$/, "")]]),
      );
      expect(printed).toContain("unable to parse 'CREATE,h=1 v= 5'");
      expect(printed.trim().split("\n")).toHaveLength(1);
      const [series] = await db.query('SELECT count(v), sum(n) FROM "CREATE"', { database: "home" });
      expect(series?.rows[0]?.slice(1)).toEqual([119_999, 1]);
    } finally {
      await server.stop();
      await db.close();
    }
  },
);

test("rows of a segment that was set aside come back from a backup", async () => {
  const [dataDir, backup] = [join(folder, "damaged"), join(folder, "backup")];
  const db = await open({ dataDir, partitions: 2 });
  const start = BigInt(Date.UTC(2024, 0, 15)) * 1_000_000n;
  const point = (i: number) => `m,h=${i % 10} v=${i}.5,n=${i}i ${start + BigInt(i) * 3_000_000_000_000n}`;
  await db.writeLines(Array.from({ length: 200 }, (_, i) => point(i)).join("\n"), { database: "home" });
  await db.close();
  cpSync(dataDir, backup, { recursive: true });
  const segments = readdirSync(dataDir, { recursive: true }).filter((name) => String(name).endsWith(".seg"));
  const segment = join(dataDir, String(segments[0]));
  const bytes = readFileSync(segment);
  bytes[bytes.length - 10]! ^= 1;
  writeFileSync(segment, bytes);
  expect(Number(await count(dataDir))).toBeLessThan(200);
  // put back under its name it is removed, as the page says
  copyFileSync(join(backup, String(segments[0])), segment);
  expect(Number(await count(dataDir))).toBeLessThan(200);

  mkdirSync(join(folder, "project/node_modules"), { recursive: true });
  symlinkSync(root, join(folder, "project/node_modules/serie"));
  const program = block("ts", "backup.read", [
    ["/backup/serie", backup],
    ["/var/lib/serie", dataDir],
  ]);
  writeFileSync(join(folder, "project/again.ts"), program);
  await bash(`${process.execPath} project/again.ts`);
  rmSync(`${segment}.corrupt`);
  const mended = await open({ dataDir });
  const untouched = await open({ dataDir: backup });
  for (const statement of ["SELECT * FROM m GROUP BY *", "SHOW FIELD KEYS"])
    expect(await mended.query(statement, { database: "home" })).toEqual(
      await untouched.query(statement, { database: "home" }),
    );
  expect((await mended.health()).status).toBe("pass");
  await Promise.all([mended.close(), untouched.close()]);
  expect(await count(dataDir)).toBe(200);
});
