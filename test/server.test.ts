// The server as its users run it: a process with a data folder, over real HTTP, stopped and started again.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ServerProcess } from "./crash/server.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-server-"));
let server: ServerProcess;
let url: string;

beforeAll(async () => {
  server = new ServerProcess(join(folder, "main"));
  url = await server.ready();
});
afterAll(async () => {
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const write = (query: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${url}/write?${query}`, { method: "POST", body, headers });

async function rows(base: string, db: string, q: string): Promise<unknown[][] | undefined> {
  const answer = await fetch(`${base}/query?${new URLSearchParams({ db, q, epoch: "ns" })}`);
  expect(answer.status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what is tested
  const { results } = (await answer.json()) as any;
  expect(results[0].error).toBeUndefined();
  return results[0].series?.[0].values;
}

describe("clients", () => {
  test("Telegraf: creates its database, then writes gzip", async () => {
    const created = await fetch(`${url}/query`, {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: `q=${encodeURIComponent('CREATE DATABASE "telegraf"')}`,
    });
    expect(await created.text()).toBe('{"results":[{"statement_id":0}]}\n');
    const lines = "cpu,cpu=cpu0,host=a usage_idle=98.5,n=3i,ok=t 10\ncpu,cpu=cpu1,host=a usage_idle=97 10\n";
    const answer = await write("db=telegraf", gzipSync(lines), {
      "Content-Encoding": "gzip",
      "Content-Type": "text/plain; charset=utf-8",
    });
    expect(answer.status).toBe(204);
    expect(await rows(url, "telegraf", "SELECT usage_idle, n, ok, cpu FROM cpu")).toEqual([
      [10, 98.5, 3, true, "cpu0"],
      [10, 97, null, null, "cpu1"],
    ]);
  });

  test("node-influx: create database in lower case, write with precision=n and an empty rp", async () => {
    await fetch(`${url}/query?q=${encodeURIComponent('create database "node"')}`, { method: "POST" });
    expect((await write("db=node&precision=n&rp=", "m,t=1 f=1 7")).status).toBe(204);
    const answer = await fetch(
      `${url}/query?db=node&epoch=&rp=&params=%7B%7D&q=${encodeURIComponent("select * from m")}`,
    );
    expect(await answer.text()).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f","t"],"values":[["1970-01-01T00:00:00.000000007Z",1,"1"]]}]}]}\n',
    );
  });

  test("Grafana: health check, tag values, the builder's query", async () => {
    await write(
      "db=grafana",
      "cpu,host=a value=1 1700000000000000000\ncpu,host=a value=3 1700000010000000000\n",
    );
    const ask = async (q: string) =>
      await (
        await fetch(`${url}/query?db=grafana&epoch=ms`, { method: "POST", body: new URLSearchParams({ q }) })
      ).json();
    expect(await ask("SHOW measurements")).toEqual({
      results: [
        { statement_id: 0, series: [{ name: "measurements", columns: ["name"], values: [["cpu"]] }] },
      ],
    });
    expect(await ask('SHOW TAG VALUES FROM "cpu" WITH KEY = "host"')).toEqual({
      results: [
        { statement_id: 0, series: [{ name: "cpu", columns: ["key", "value"], values: [["host", "a"]] }] },
      ],
    });
    const q = `SELECT mean("value") FROM "cpu" WHERE time >= 1700000000000ms and time <= 1700000020000ms GROUP BY time(20s), "host"::tag fill(null) ORDER BY time ASC`;
    const series = { name: "cpu", tags: { host: "a" }, columns: ["time", "mean"] };
    expect(await ask(q)).toEqual({
      results: [
        {
          statement_id: 0,
          series: [
            {
              ...series,
              values: [
                [1700000000000, 2],
                [1700000020000, null],
              ],
            },
          ],
        },
      ],
    });
  });

  test("JSON points, both shapes", async () => {
    const points = [
      {
        measurement: "weather",
        tags: { location: "HELSINKI" },
        fields: { value: -3.5 },
        time: "2024-01-15T10:00:00Z",
      },
      { metric: "weather", tags: { location: "HELSINKI" }, value: -2.5, timestamp: 1705316400 },
    ];
    const answer = await fetch(`${url}/write/json?db=json&precision=s`, {
      method: "POST",
      body: JSON.stringify(points),
    });
    expect(answer.status).toBe(204);
    const q = `SELECT ts, location, value FROM weather WHERE ts >= '2024-01-10' AND ts <= '2024-01-25' AND location = 'HELSINKI' AND value > -10.0`;
    expect(await rows(url, "json", q)).toEqual([
      [1705312800000000000, "HELSINKI", -3.5],
      [1705316400000000000, "HELSINKI", -2.5],
    ]);
  });
});

describe("what is refused", () => {
  test("bad lines, with their number; the good ones are kept", async () => {
    const answer = await write("db=refused", "m f=1 1\nbad\nm f=2 2\n");
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: string };
    expect(error).toMatch(/^partial write: unable to parse 'bad'.*missing fields.* dropped=\d+$/s);
    expect(error).toContain("line 2");
    expect(await rows(url, "refused", "SELECT f FROM m")).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  test("a statement that cannot be parsed, an unknown database", async () => {
    const bad = await fetch(`${url}/query?q=SELECT`);
    expect(bad.status).toBe(400);
    expect(((await bad.json()) as { error: string }).error).toStartWith(
      "error parsing query: found EOF, expected",
    );
    const unknown = await fetch(`${url}/query?db=nope&q=${encodeURIComponent("SELECT f FROM m")}`);
    expect(await unknown.text()).toBe(
      '{"results":[{"statement_id":0,"error":"database not found: nope"}]}\n',
    );
  });

  test("writes to an unknown database when that option is off", async () => {
    const strict = new ServerProcess(join(folder, "strict"), ["--no-auto-create-database"]);
    try {
      const base = await strict.ready();
      const answer = await fetch(`${base}/write?db=none`, { method: "POST", body: "m f=1" });
      expect(answer.status).toBe(404);
      expect(await answer.text()).toBe('{"error":"database not found: \\"none\\""}\n');
    } finally {
      await strict.kill("SIGKILL");
    }
  });
});

describe("status", () => {
  test("/health, /metrics", async () => {
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ name: "serie", status: "pass" });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const line of metrics.trimEnd().split("\n"))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+.\deInfNa]+)$/);
    expect(metrics).toContain("# TYPE serie_");
  });
});

describe("stopping", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    test(`${signal}: what has begun is answered, what was written is there after a restart, exit code 0`, async () => {
      const own = join(folder, signal);
      const first = new ServerProcess(own);
      let base = await first.ready();
      await fetch(`${base}/write?db=d`, { method: "POST", body: "m f=1 1" });
      // a write whose body is half sent when the signal comes
      const port = Number(new URL(base).port);
      const answer = new Promise<string>((resolve) => {
        const socket = connect(port, "127.0.0.1", () =>
          socket.write("POST /write?db=d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nm f"),
        );
        setTimeout(() => socket.write("=2 2"), 300);
        socket.on("data", (data) => resolve(data.toString()));
        socket.on("close", () => resolve("closed"));
      });
      await Bun.sleep(100);
      expect(await first.kill(signal)).toBe(0);
      expect(await answer).toStartWith("HTTP/1.1 204");

      const second = new ServerProcess(own);
      base = await second.ready();
      expect(await rows(base, "d", "SELECT f FROM m")).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(await second.kill("SIGKILL")).toBeNull();
    });

  test.each([1, 3])(
    "a signal as soon as /ready says so, with %d thread(s): it ends in order",
    async (threads) => {
      const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
      const port = String(probe.port);
      await probe.stop(true);
      const own = new ServerProcess(join(folder, `soon-${threads}`), [
        "--threads",
        `${threads}`,
        "--port",
        port,
      ]);
      const isReady = () =>
        fetch(`http://127.0.0.1:${port}/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      for (let tries = 0; tries < 5000 && !(await isReady()); tries++) await Bun.sleep(2);
      expect(await own.kill("SIGTERM")).toBe(0);
      expect(own.output).toEndWith("serie: stopped\n");
    },
  );

  // the shell between npx and Bun does not (README says so)
  test("a signal to `bun run server` reaches the server", async () => {
    const runner = Bun.spawn(
      [process.execPath, "run", "server", "--port", "0", "--data-dir", join(folder, "runner")],
      { cwd: join(import.meta.dir, ".."), stdout: "pipe", stderr: "pipe" },
    );
    let output = "";
    for await (const chunk of runner.stdout.pipeThrough(new TextDecoderStream())) {
      if (!output.includes(", ready in ") && (output + chunk).includes(", ready in ")) runner.kill("SIGTERM");
      output += chunk;
    }
    expect(await runner.exited).toBe(0);
    expect(output).toEndWith("serie: stopped\n");
  });

  test("a second signal does not wait", async () => {
    const own = new ServerProcess(join(folder, "second"));
    const base = await own.ready();
    const socket = connect(Number(new URL(base).port), "127.0.0.1", () =>
      socket.write("POST /write?db=d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nm f"),
    );
    socket.on("error", () => {});
    await Bun.sleep(100);
    const ended = own.kill("SIGTERM");
    void own.kill("SIGTERM"); // a runner's echo of the first one
    await Bun.sleep(700);
    expect(await Promise.race([ended, Bun.sleep(1).then(() => "waits")])).toBe("waits");
    expect(await own.kill("SIGTERM")).toBe(1);
    await ended;
  });
});
