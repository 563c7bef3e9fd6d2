// A server of several threads, which share its port, is one server for its clients: whichever thread they come to.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Head } from "../src/db/head.ts";
import type { OptionsInput } from "../src/db/options.ts";
import { serveThreads } from "../src/server.ts";
import { WORD } from "./support/held-serving.ts";
import { ask, closeAll, dataDir, hosts, lines, makeFolder, openHead, servers } from "./support/threads.ts";

// threads start runtimes of their own, which takes its time on a busy machine
setDefaultTimeout(60_000);
beforeEach(makeFolder);
afterEach(closeAll);

describe("a server of several threads", () => {
  async function start(options: OptionsInput = {}): Promise<{ head: Head; url: string }> {
    const head = await openHead(3, options);
    const { authEnabled = false } = options;
    const server = await serveThreads(head, { port: 0, authEnabled, logLevel: "silent" });
    servers.add(server);
    return { head, url: server.url };
  }

  const get = (url: string, headers: Record<string, string> = {}) =>
    // a connection of its own: the system gives each to one of the threads
    fetch(url, { headers: { connection: "close", ...headers }, keepalive: false });
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: "POST", body, headers: { connection: "close", ...headers }, keepalive: false });
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const json = async (response: Promise<Response>): Promise<any> => (await response).json();
  const query = (url: string, q: string, headers: Record<string, string> = {}) =>
    json(get(`${url}/query?db=d&q=${encodeURIComponent(q)}`, headers));

  test("it is ready once all threads take requests", async () => {
    const head = await openHead(3);
    const port = 20_000 + (process.pid % 10_000);
    const url = `http://127.0.0.1:${port}`;
    const serving = serveThreads(head, { port, logLevel: "silent" });
    const seen: number[] = [];
    for (;;) {
      const status = await get(`${url}/ready`).then(
        (response) => response.status,
        () => 0,
      );
      seen.push(status);
      if (status === 200) break;
    }
    expect((await get(`${url}/health`)).status).toBe(200);
    expect(seen).toContain(503);
    servers.add(await serving);
  });

  test("what one thread was told, all know: databases, rows, users, queries", async () => {
    const { url } = await start();
    for (let i = 0; i < 20; i++)
      expect((await post(`${url}/write?db=d${i}`, `m,h=${i} v=${i} ${i}`)).status).toBe(204);
    for (let i = 0; i < 20; i++) {
      const answer = await query(url, `SELECT v FROM d${i}..m`);
      expect(answer.results[0].series[0].values[0][1]).toBe(i);
      const { results } = await query(url, "SHOW DATABASES");
      expect(results[0].series[0].values.length).toBe(20);
    }
    const { results } = await query(url, "SHOW QUERIES");
    expect(results[0].series[0].values.length).toBe(1);
    const text = await (await get(`${url}/metrics`)).text();
    expect(text).toContain("\nserie_rows_written_total 20\n");
    expect(text).toContain('serie_http_requests_total{route="/write",status="204"} 20\n');
    expect(text).toContain("\nserie_threads 3\n");
    expect(text).toContain("\nserie_threads_running 3\n");
    const health = await get(`${url}/health`);
    expect(health.status).toBe(200);
    expect(await json(Promise.resolve(health))).toMatchObject({
      checks: expect.arrayContaining([{ name: "threads", status: "pass", message: "3 threads" }]),
    });
    const [, config] = (await query(url, "SHOW DIAGNOSTICS")).results[0].series;
    expect(config.values[0][config.columns.indexOf("threads")]).toBe(3);
    const vars = await json(get(`${url}/debug/vars`));
    expect(vars.httpd.values.writeReq).toBe(20);
  });

  test("a thread counts as one that runs once it listens", async () => {
    const head = await openHead(2);
    const seen = async () => {
      const { status, checks } = await head.health();
      const running = (await head.metrics()).find(({ name }) => name === "serie_threads_running");
      return [status, checks.find(({ name }) => name === "threads")!.message, running!.value];
    };
    expect(await seen()).toEqual(["pass", "2 threads", 2]);
    const module = new URL("./support/held-serving.ts", import.meta.url).href;
    const serving = head.serveInThreads({ module, options: {} });
    expect(await seen()).toEqual(["fail", "1 of 2 threads run", 1]);
    expect((await head.health()).message).toBe(
      "1 of 2 threads run; thread 1 of 2 has its rows, but takes no requests yet",
    );
    const word = new BroadcastChannel(WORD);
    // (it may not be listening to the first)
    const words = setInterval(() => word.postMessage("serve"), 5);
    await serving;
    clearInterval(words);
    word.close();
    expect(await seen()).toEqual(["pass", "2 threads", 2]);
  });

  test("a database is made by the first writes to it, whichever threads they come to and whichever have its rows", async () => {
    const { url } = await start();
    const body = hosts.map((host, i) => `m,host=${host} v=${i} 1`).join("\n");
    for (let round = 0; round < 40; round++) {
      const statuses = Array.from({ length: 16 }, async (_, i) => {
        await Bun.sleep(i / 4);
        const answer = await post(`${url}/write?db=new${round}`, body);
        return answer.status === 204 ? 204 : await answer.text();
      });
      expect(await Promise.all(statuses)).toEqual(statuses.map(() => 204));
    }
  });

  test("a write that comes while a database is dropped does not bring it back", async () => {
    const { head, url } = await start({ autoCreateDatabase: false });
    for (let round = 0; round < 8; round++) {
      await ask(head, `CREATE DATABASE gone${round}`);
      // (no thread has written to it before, or its policies are being altered, too)
      const altered =
        round % 2 === 0 ? ask(head, `ALTER RETENTION POLICY autogen ON gone${round} DURATION 9000w`) : null;
      const dropped = ask(head, `DROP DATABASE gone${round}`);
      const answers = Array.from({ length: 12 }, async (_, i) => {
        await Bun.sleep(i / 4);
        const answer = await post(`${url}/write?db=gone${round}`, "m v=1 1");
        return answer.status === 204 ? "" : await answer.text();
      });
      for (const answer of await Promise.all(answers))
        if (answer) expect(answer).toContain("database not found");
      await altered;
      await dropped;
      const { results } = await query(url, "SHOW DATABASES");
      expect(results[0].series[0].values ?? []).toEqual([]);
    }
  });

  test("large bodies that come at once are stored whole, whichever thread takes them over, and those that are refused are refused", async () => {
    const { url } = await start({ maxMemSize: "4MiB", maxBodySize: 1_000_000 });
    const steps = 60;
    const bodies = Array.from({ length: 24 }, (_, i) => lines(i * steps, steps));
    const answers = bodies.map(async (body, i) => {
      const isZipped = i % 2 === 0;
      const { status } = await fetch(`${url}/write?db=d`, {
        method: "POST",
        body: isZipped ? Bun.gzipSync(body, { level: 0 as 1 }) : body,
        ...(isZipped ? { headers: { "content-encoding": "gzip" } } : {}),
      });
      return status;
    });
    const refused = Array.from({ length: 6 }, async () => {
      const response = await fetch(`${url}/write?db=d`, { method: "POST", body: `${bodies[0]}\ncpu v=` });
      return [response.status, ((await response.json()) as { error: string }).error];
    });
    expect(await Promise.all(answers)).toEqual(bodies.map(() => 204));
    for (const [status, error] of await Promise.all(refused)) {
      expect(status).toBe(400);
      expect(error).toContain(`line ${steps * hosts.length + 1}`);
    }
    const { results } = await query(url, "SELECT count(usage), sum(n) FROM cpu");
    const [, count, sum] = results[0].series[0].values[0];
    expect(count).toBe(24 * steps * hosts.length);
    expect(sum).toBe((24 * steps * hosts.length * (hosts.length - 1)) / 2);
  });

  test("a number beyond 2^53 in JSON needs a field of integers, known to whichever thread: it makes no type", async () => {
    const { url } = await start();
    const wide = (m: string, host: string) =>
      post(
        `${url}/write/json?db=d`,
        `{"metric":"${m}","tags":{"h":"${host}"},"value":9007199254740993,"time":1}`,
      );
    expect((await post(`${url}/write?db=d`, "known,h=x value=1i 1")).status).toBe(204);
    for (const host of hosts) expect((await wide("known", host)).status).toBe(204);
    for (const host of hosts) expect((await wide("new", host)).status).toBe(400);
    const refused = await json(wide("new", "a"));
    expect(refused.error).toContain("value: 9007199254740993 has no exact float");
    expect((await query(url, "SHOW FIELD KEYS")).results[0].series).toEqual([
      { name: "known", columns: ["fieldKey", "fieldType"], values: [["value", "integer"]] },
    ]);
    expect(
      await (await get(`${url}/query?db=d&q=SELECT+value+FROM+known+WHERE+h!='x'+LIMIT+1`)).text(),
    ).toContain("9007199254740993]");
  });

  test("KILL QUERY finds a query in whichever thread it runs", async () => {
    const { url } = await start();
    await post(`${url}/write?db=d`, lines(0, 300));
    const slow = "SELECT percentile_approx(usage, 50) FROM cpu; ".repeat(2000);
    for (let round = 0; round < 4; round++) {
      const running = post(`${url}/query?db=d`, new URLSearchParams({ q: slow }).toString(), {
        "content-type": "application/x-www-form-urlencoded",
      }).then((response) => response.text());
      let id: number | undefined;
      while (id === undefined) {
        const { results } = await query(url, "SHOW QUERIES");
        id = results[0].series[0].values.find((row: [number, string]) => row[1].includes("percentile"))?.[0];
      }
      expect(await query(url, `KILL QUERY ${id}`)).toEqual({ results: [{ statement_id: 0 }] });
      expect(await running).toContain("query interrupted");
    }
  });

  test("DELETE by values can be killed, wherever it was asked: what it has deleted stays deleted", async () => {
    const { url } = await start();
    const rows = 40_000;
    const series = Array.from({ length: 3 }, (_, host) =>
      Array.from({ length: rows }, (_, i) => `m,h=${host} v=${i % 2} ${i}`).join("\n"),
    );
    for (const body of series) expect((await post(`${url}/write?db=d`, body)).status).toBe(204);
    let left = 3 * rows;
    for (let round = 0; round < 3; round++) {
      const running = post(
        `${url}/query?db=d`,
        new URLSearchParams({ q: "DELETE FROM m WHERE v = 1" }).toString(),
        {
          "content-type": "application/x-www-form-urlencoded",
        },
      ).then((response) => response.text());
      const { results } = await query(url, "SHOW QUERIES");
      const row = results[0].series[0].values.find((each: [number, string]) => each[1].startsWith("DELETE"));
      if (row) await query(url, `KILL QUERY ${row[0]}`);
      const answer = await running;
      if (answer.includes("error")) expect(answer).toMatch(/query (interrupted|was killed)/);
      const counted = await query(url, "SELECT count(v), sum(v) FROM m");
      const [, count, sum] = counted.results[0].series[0].values[0];
      expect(count - sum).toBe((3 * rows) / 2); // rows that do not match are all there
      expect(count).toBeLessThanOrEqual(left);
      left = count;
    }
    await query(url, "DELETE FROM m WHERE v = 1"); // (by GET, too)
    const { results } = await query(url, "SELECT count(v), sum(v) FROM m");
    expect(results[0].series[0].values[0].slice(1)).toEqual([(3 * rows) / 2, 0]);
  });

  test("a user made in one thread comes in everywhere, and one that is dropped nowhere", async () => {
    const { url } = await start({ authEnabled: true });
    const admin = { authorization: `Basic ${btoa("root:secret")}` };
    const created = await post(
      `${url}/query`,
      new URLSearchParams({ q: "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES" }).toString(),
      { "content-type": "application/x-www-form-urlencoded" },
    );
    expect(created.status).toBe(200);
    for (let i = 0; i < 12; i++) {
      expect((await get(`${url}/query?q=SHOW+DATABASES`)).status).toBe(401);
      expect((await get(`${url}/query?q=SHOW+DATABASES`, admin)).status).toBe(200);
    }
    await query(url, "CREATE USER guest WITH PASSWORD 'guest'", admin);
    const guest = { authorization: `Basic ${btoa("guest:guest")}` };
    for (let i = 0; i < 6; i++) expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(200);
    await query(url, "DROP USER guest", admin);
    for (let i = 0; i < 12; i++) expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(401);
  });

  test("a thread that dies serves again", async () => {
    const { head, url } = await start();
    for (let i = 0; i < 10; i++) await post(`${url}/write?db=d`, lines(i, 1));
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    const written = async () => {
      const text = await (await get(`${url}/metrics`)).text();
      return [
        /^serie_rows_written_total (\d+)$/m,
        /^serie_http_requests_total\{route="\/write",status="204"\} (\d+)$/m,
      ].map((line) => Number(line.exec(text)?.[1]));
    };
    expect(await written()).toEqual([10 * hosts.length, 10]);
    head.kill(2);
    while (!messages.some((message) => message.includes("has its rows again"))) await Bun.sleep(5);
    for (let i = 0; i < 20; i++) {
      const { results } = await query(url, "SELECT count(usage) FROM cpu");
      expect(results[0].series[0].values[0][1]).toBe(10 * hosts.length);
    }
    // (what it had counted is still counted)
    expect(await written()).toEqual([10 * hosts.length, 10]);
  });

  test("what changes while a thread starts, that thread knows, too", async () => {
    const { head, url } = await start({ authEnabled: true });
    await ask(head, "CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES; CREATE DATABASE d");
    const as = (name: string) => ({ authorization: `Basic ${btoa(`${name}:r`)}` });
    // its log takes a while to read
    for (let i = 0; i < 8; i++) await head.writeLines(lines(1000 * i, 1000), { database: "d" });
    const changes = (round: number) => [
      `DROP USER u${round}`,
      `CREATE DATABASE d${round}`,
      `DROP RETENTION POLICY p${round} ON d`,
    ];
    const statuses = (round: number) => [
      async () => (await get(`${url}/query?q=SHOW+DATABASES`, as(`u${round}`))).status,
      async () => (await post(`${url}/write?db=d${round}`, "m v=1", as("root"))).status,
      async () => (await post(`${url}/write?db=d&rp=p${round}`, "m v=1", as("root"))).status,
    ];
    // (500: InfluxDB's answer where the policy is not there)
    const expected = [401, 204, 500];
    let during = 0;
    for (let round = 0; round < 18; round++) {
      const kind = round % 3;
      await ask(
        head,
        `CREATE USER u${round} WITH PASSWORD 'r'; CREATE RETENTION POLICY p${round} ON d DURATION 1h REPLICATION 1`,
      );
      head.kill(1 + (round % 2));
      await Bun.sleep(12 * round);
      if ((await head.health()).status === "fail") during++;
      await ask(head, changes(round)[kind]!);
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      const found = await Promise.all(Array.from({ length: 12 }, () => statuses(round)[kind]!()));
      expect([round, ...new Set(found)]).toEqual([round, expected[kind]!]);
    }
    expect(during).toBeGreaterThan(4);
  });

  test("a thread that cannot read what changed serves no more until it can", async () => {
    const { head, url } = await start({ authEnabled: true });
    const admin = { authorization: `Basic ${btoa("root:r")}` };
    const guest = { authorization: `Basic ${btoa("guest:r")}` };
    await ask(
      head,
      "CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES; CREATE USER guest WITH PASSWORD 'r'; CREATE DATABASE d",
    );
    const path = join(dataDir, "users");
    const told = head.users.onChange;
    let whole = new Uint8Array();
    head.users.onChange = async () => {
      whole = readFileSync(path);
      writeFileSync(path, "no users");
      await told();
    };
    await ask(head, "DROP USER guest");
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await get(`${url}/query?q=SHOW+DATABASES`, guest)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
    // (why is known once the start of the next one has failed)
    while (!(await head.health()).message.includes("users")) await Bun.sleep(5);
    // what all threads must do is not begun, what one can do is done
    const refused = await ask(head, "DROP DATABASE d").catch((error) => error as Error);
    expect(refused).toMatchObject({
      name: "OverloadedError",
      message: expect.stringMatching(
        /^thread \d of 3 could not be started, so that nothing was changed: .*users/,
      ),
    });
    expect(await ask(head, "CREATE DATABASE e; SHOW DATABASES")).toMatchObject([{ rows: [["d"], ["e"]] }]);
    writeFileSync(path, whole);
    head.users.onChange = told;
    while ((await head.health()).status !== "pass") await Bun.sleep(5);
    for (let i = 0; i < 12; i++) {
      expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(401);
      expect((await get(`${url}/query?q=SHOW+DATABASES`, admin)).status).toBe(200);
    }
    await ask(head, "DROP DATABASE d");
  });

  test("a thread that is ended answers what has begun: nobody gets an answer without a body", async () => {
    const { head, url } = await start();
    await ask(head, "CREATE DATABASE d");
    await head.writeLines(lines(0, 200), { database: "d" });
    const path = join(dataDir, "users");
    const told = head.users.onChange;
    let isOver = false;
    const bare: string[] = [];
    const clients = Array.from({ length: 16 }, async (_, i) => {
      while (!isOver) {
        const asked =
          i % 2 === 0
            ? fetch(`${url}/write?db=d`, { method: "POST", body: "m v=1 1" })
            : fetch(`${url}/query?db=d&q=SELECT+note+FROM+cpu`);
        const response = await asked.catch(() => null);
        const text = await response?.text().catch(() => "cut off");
        if (text === "" && response!.status !== 204) bare.push(`${response!.status} of ${response!.url}`);
      }
    });
    for (let round = 0; round < 2; round++) {
      let whole = new Uint8Array();
      head.users.onChange = async () => {
        whole = readFileSync(path);
        writeFileSync(path, "no users");
        await told();
      };
      await ask(head, `CREATE USER u${round} WITH PASSWORD 'r'`);
      head.users.onChange = told;
      writeFileSync(path, whole);
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
    }
    isOver = true;
    await Promise.all(clients);
    expect(bare).toEqual([]);
  });

  test("nobody else's port is shared", async () => {
    const { url } = await start();
    const other = join(dataDir, "other");
    const head = await openHead(2, { dataDir: other });
    const port = Number(new URL(url).port);
    expect(serveThreads(head, { port, logLevel: "silent" })).rejects.toThrow(
      /cannot listen on 127.0.0.1 port/,
    );
  });

  test("continuous queries and subscriptions see what every thread stores", async () => {
    const { head, url } = await start();
    const received: string[] = [];
    const sink = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        received.push(await request.text());
        return new Response(null, { status: 204 });
      },
    });
    await query(url, "CREATE DATABASE d");
    await post(
      `${url}/query`,
      new URLSearchParams({
        q: `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'http://127.0.0.1:${sink.port}'`,
      }).toString(),
      { "content-type": "application/x-www-form-urlencoded" },
    );
    for (const host of hosts) await post(`${url}/write?db=d`, `m,h=${host} v=1 1`);
    while (
      received
        .join("\n")
        .split("\n")
        .filter((line) => line.startsWith("m,h=")).length < hosts.length
    )
      await Bun.sleep(5);
    await sink.stop(true);
    await head.flush();
    expect(existsSync(join(dataDir, "p00"))).toBe(true);
  });
});
