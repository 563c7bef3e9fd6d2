// Debian's `influx` shell: -execute in every format, statements typed into it, and -import of an exported file. What it
// prints is what it prints in front of an influxd. Skipped, with a line that says so, where it is not installed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Servers, sameOnBoth, startServers } from "./servers.ts";

const isThere = Bun.which("influx") !== null;
if (!isThere) console.log("the influx shell is not installed (bun scripts/peers.ts): it is not tested");

const folder = mkdtempSync(join(tmpdir(), "serie-shell-"));
let servers: Servers;
let withUsers: Servers;
beforeAll(async () => {
  [servers, withUsers] = await Promise.all([startServers(), startServers({ authEnabled: true })]);
});
afterAll(async () => {
  await Promise.all([servers.stop(), withUsers.stop()]);
  rmSync(folder, { recursive: true });
});

/** Exit code and output; the version and the address of the server, which differ, are taken out. */
async function influx(url: string, args: readonly string[], input = ""): Promise<string> {
  const { hostname, port } = new URL(url);
  const child = Bun.spawn(["influx", "-host", hostname, "-port", port, ...args], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, HOME: folder },
    timeout: 30_000,
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return (
    `${child.exitCode}\n${output}${errors}`
      .replaceAll(`${hostname}:${port}`, "SERVER")
      .replace(/^(Connected to \S+ version ).*$/m, "$1V")
      // serie's messages say the line, too
      .replace(/(unable to parse .*) at line \d+/g, "$1")
      .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /gm, "")
      .replace(/(Elapsed Time|Points Per Second|Time elapsed:|at a rate of).*$/gim, "$1")
  );
}

const lines = [
  'INSERT cpu,host=a\\ b,region=eu usage=1.5,cores=8i,name="it\'s",on=true 1700000000000000000',
  "INSERT cpu,host=b usage=-2 1700000060000000000",
];

describe.skipIf(!isThere)("the influx shell", () => {
  test("statements from a pipe, and writes by INSERT", async () => {
    const seen = await sameOnBoth(servers, async (url) => {
      const run = (...args: string[]) => influx(url, ["-database", "shell", ...args]);
      return [
        await influx(url, [], "CREATE DATABASE shell; SHOW DATABASES"),
        await run("-execute", lines[0]!),
        await run("-execute", lines[1]!),
        await run("-execute", "INSERT nonsense"),
        await run("-execute", "INSERT INTO autogen cpu,host=c usage=9 1700000120000000000"),
        await run("-execute", "INSERT INTO nowhere cpu,host=c usage=9 1700000120000000000"),
        await influx(
          url,
          ["-database", "shell"],
          "SELECT * FROM cpu;\nSELECT usage FROM cpu WHERE host = 'b'",
        ),
      ];
    });
    expect(seen.at(-1)).toContain("-2");
  });

  test.each(["column", "csv", "json"])("-execute with -format %s", async (format) => {
    const seen = await sameOnBoth(servers, async (url) => {
      await influx(url, ["-execute", "CREATE DATABASE formats"]);
      for (const line of lines) await influx(url, ["-database", "formats", "-execute", line]);
      const run = (q: string, ...more: string[]) =>
        influx(url, ["-database", "formats", "-format", format, ...more, "-execute", q]);
      return [
        await run("SELECT * FROM cpu"),
        await run("SELECT * FROM cpu", "-precision", "s"),
        await run("SELECT usage, cores FROM cpu GROUP BY host", "-precision", "rfc3339", "-pretty"),
        await run("SHOW TAG VALUES WITH KEY = host"),
        await run("SHOW FIELD KEYS; SHOW SERIES; SHOW RETENTION POLICIES"),
        await run("SELECT * FROM nowhere"),
        await run("SELECT bogus(usage) FROM cpu"),
        await run("SELECT mean(usage FROM cpu"),
      ];
    });
    expect(seen[0]).toContain("a b");
  });

  test("-import of a file with DDL and DML, plain and compressed", async () => {
    const rows = Array.from({ length: 12_000 }, (_, i) => `load,n=${i % 10} v=${i / 4} ${1_700_000_000 + i}`);
    const file = (database: string) =>
      [
        "# DDL",
        `CREATE DATABASE ${database}`,
        `CREATE RETENTION POLICY long ON ${database} DURATION 520w REPLICATION 1`,
        "# DML",
        `# CONTEXT-DATABASE: ${database}`,
        "# CONTEXT-RETENTION-POLICY: long",
        ...rows,
        "",
      ].join("\n");
    const plain = join(folder, "export.txt");
    const compressed = join(folder, "export.gz");
    writeFileSync(plain, file("imported"));
    writeFileSync(compressed, gzipSync(file("unpacked")));
    const seen = await sameOnBoth(servers, async (url) => {
      const imports = [
        await influx(url, ["-import", "-path", plain, "-precision", "s"]),
        await influx(url, ["-import", "-path", compressed, "-compressed", "-precision", "s"]),
      ];
      const counts = ["imported", "unpacked"].map((database) =>
        influx(url, ["-database", database, "-execute", "SELECT count(v), sum(v) FROM long.load GROUP BY n"]),
      );
      return [...imports.map((text) => text.split("\n").sort()), ...(await Promise.all(counts))];
    });
    expect(seen[0]).toContain("Processed 2 commands");
    expect(String(seen[2])).toContain("1200");
  });

  test("users: refused without a password, let in with one", async () => {
    await sameOnBoth(withUsers, async (url) => {
      const root = ["-username", "root", "-password", "pw"];
      return [
        await influx(url, ["-execute", "CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES"]),
        await influx(url, ["-execute", "SHOW DATABASES"]),
        await influx(url, [...root, "-execute", "SHOW USERS"]),
        await influx(url, ["-username", "root", "-password", "wrong", "-execute", "SHOW USERS"]),
      ];
    });
  });
});
