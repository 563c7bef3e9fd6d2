// Debian's `influx` shell: -execute in every format, a session typed at a terminal, and -import of an exported file. What it
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
  return plain(url, `${child.exitCode}\n${output}${errors}`);
}

const plain = (url: string, text: string) =>
  text
    .replaceAll(new URL(url).host, "SERVER")
    .replace(/^(Connected to \S+ version )\S+/m, "$1V")
    // serie's messages of writes say the line, too, and count what could not be read
    .replace(/^.*unable to parse '.*$/gm, (line) =>
      line.replace(/ at line \d+/g, "").replace(/dropped=\d+/, "dropped=N"),
    )
    .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /gm, "")
    .replace(/(Elapsed Time|Points Per Second|Time elapsed:|at a rate of).*$/gim, "$1");

/** What a terminal shows of lines typed at the prompt, each once the one before has answered. */
async function typed(url: string, lines: readonly string[], args: readonly string[] = []): Promise<string> {
  const { hostname, port } = new URL(url);
  let shown = "";
  const child = Bun.spawn(["influx", "-host", hostname, "-port", port, ...args], {
    // dumb: the shell edits no line, so that what is shown does not depend on its timing
    env: { ...process.env, HOME: folder, TERM: "dumb" },
    timeout: 30_000,
    terminal: {
      cols: 200,
      rows: 50,
      data(_, bytes) {
        shown += Buffer.from(bytes).toString();
      },
    },
  });
  for (const [index, line] of lines.entries()) {
    while ((shown.match(/^> /gm)?.length ?? 0) <= index && child.exitCode === null) await Bun.sleep(5);
    child.terminal?.write(`${line}\r`);
  }
  await child.exited;
  return plain(url, `${child.exitCode}\n${shown.replaceAll("\r", "")}`);
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

  test("a session at a terminal", async () => {
    const seen = await sameOnBoth(servers, (url) =>
      typed(url, [
        ...["create database session", "use session", ...lines, "insert nonsense", "select * from cpu"],
        ...["precision rfc3339", "select * from cpu", "precision ms", "select usage from cpu"],
        ...[
          "format csv",
          "select * from cpu group by host",
          "format json",
          "pretty",
          "select usage from cpu",
        ],
        ...["chunk size 1", "select usage from cpu group by host", "chunked", "select usage from cpu"],
        ...["use nowhere", "use session.autogen", "use session.nowhere", "consistency all", "settings"],
        ...["insert into autogen cpu,host=c usage=3 1700000120000000000", "format column", "show series"],
        ...["show measurements", "show tag keys", "show field keys", "show tag values with key = host"],
        ...["create retention policy long on session duration 52w replication 1", "use session.long"],
        ...["insert cpu,host=d usage=4", "select usage from cpu where time < 0"],
        ...["select count(usage) from cpu", "show retention policies", "select x from", "kill query 4711"],
        ...["clear database", "select * from cpu", "drop database session", "use session", "quit"],
      ]),
    );
    expect(seen).toContain("Connected to http://SERVER version V");
    expect(seen).toContain("2023-11-14T22:13:20Z");
    expect(seen).toStartWith("0\n");
  });

  test("a session of a user, who may read and not write", async () => {
    const seen = await sameOnBoth(withUsers, async (url) => {
      const as = (name: string) => ["-username", name, "-password", name, "-database", "guarded"];
      return [
        await influx(url, ["-execute", "CREATE USER sessions WITH PASSWORD 'sessions' WITH ALL PRIVILEGES"]),
        await typed(
          url,
          [
            ...["create database guarded", "create user reader with password 'reader'", lines[1]!],
            ...["grant read on guarded to reader", "show grants for reader", "exit"],
          ],
          as("sessions"),
        ),
        await typed(url, ["select * from cpu", lines[1]!, "drop database guarded", "exit"], as("reader")),
      ];
    });
    expect(seen[2]).toContain("not authorized");
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

  test("-import of lines that cannot be read, slowly, and of no file", async () => {
    const path = join(folder, "mistakes.txt");
    const definitions = [
      "# DDL",
      "CREATE DATABASE mistakes",
      "CREATE nonsense",
      "",
      "# DML",
      "# CONTEXT-DATABASE: mistakes",
    ];
    writeFileSync(
      path,
      [...definitions, "m v=1 1", "m v=", "m v=3 3", "# a remark", "m v=4 4 4", ""].join("\n"),
    );
    const seen = await sameOnBoth(servers, async (url) => [
      (await influx(url, ["-import", "-path", path, "-pps", "1000"])).split("\n").sort(),
      await influx(url, ["-database", "mistakes", "-execute", "SELECT v FROM m"]),
      await influx(url, ["-import", "-path", join(folder, "missing")]),
    ]);
    expect(seen[1]).toContain("3    3");
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
