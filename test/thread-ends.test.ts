// A thread of several that dies is there again with all that was acknowledged, whatever was under way; and all end together.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { ownersOf } from "../src/db/layout.ts";
import { CRASHES } from "./crash/crashing.ts";
import {
  ask,
  closeAll,
  closeHead,
  dataDir,
  heads,
  hosts,
  lines,
  makeFolder,
  openHead,
} from "./support/threads.ts";

// threads start runtimes of their own, which takes its time on a busy machine
setDefaultTimeout(60_000);
beforeEach(makeFolder);
afterEach(closeAll);

describe("a thread that dies", () => {
  test("is started again with all that was acknowledged; meanwhile writes to its partitions ask to send again", async () => {
    const head = await openHead(2);
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    const acknowledged = new Set<number>();
    let isOver = false;
    let refused = 0;
    const writer = async (from: number) => {
      for (let i = from; !isOver; i += 4) {
        const line = `m,h=${hosts[i % hosts.length]} v=${i}i ${i}`;
        const outcome = await head.writeLines(line, { database: "d" }).catch((error) => error as Error);
        if (outcome instanceof Error) {
          expect([outcome.name, outcome.message]).toEqual([
            "OverloadedError",
            expect.stringContaining("send again"),
          ]);
          refused++;
          await Bun.sleep(1);
        } else {
          expect(outcome.rows).toBe(1);
          acknowledged.add(i);
        }
      }
    };
    const writers = [0, 1, 2, 3].map(writer);
    for (let round = 0; round < 3; round++) {
      await Bun.sleep(150);
      head.kill(1);
      const seen = messages.length;
      while (!messages.slice(seen).some((message) => message.includes("has stopped"))) await Bun.sleep(1);
      const { status, message, checks } = await head.health();
      expect([status, message]).toEqual(["fail", expect.stringContaining("thread 1 of 2 has stopped")]);
      expect(checks).toContainEqual({ name: "threads", status: "fail", message: "1 of 2 threads run" });
      const gauges = (await head.metrics()).filter(({ name }) => name.startsWith("serie_threads"));
      expect(gauges.map(({ value }) => value)).toEqual([2, 1]);
      while (!messages.slice(seen).some((message) => message.includes("has its rows again")))
        await Bun.sleep(5);
      expect((await head.health()).status).toBe("pass");
    }
    await Bun.sleep(100);
    isOver = true;
    await Promise.all(writers);
    expect(refused).toBeGreaterThan(0);
    const [{ rows }] = (await ask(head, "SELECT v FROM m")) as [{ rows: [bigint, number][] }];
    const found = new Set(rows.map(([, value]) => Number(value)));
    for (const i of acknowledged) expect([i, found.has(i)]).toEqual([i, true]);
    expect(acknowledged.size).toBeGreaterThan(100);
  });

  test("and dies again while it starts, is there once in the end: its partitions have one thread", async () => {
    const head = await openHead(3);
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    await head.writeLines(lines(0, 50), { database: "d" });
    for (let round = 0; round < 12; round++) {
      head.kill(1 + (round % 2));
      await Bun.sleep((round * 7) % 60);
    }
    const isWell = async () => (await head.health()).status === "pass";
    while (!(await isWell())) await Bun.sleep(10);
    await Bun.sleep(300); // one that was started besides would show now
    expect(await isWell()).toBe(true);
    if (existsSync("/proc/self/fd")) {
      const open = readdirSync("/proc/self/fd").map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return "";
        }
      });
      // a log of each thread, and none of those that died
      expect(open.filter((path) => path.startsWith(`${realpathSync(dataDir)}/wal-`)).length).toBe(3);
    }
    const there = messages.filter((message) => message.includes("has its rows again")).length;
    const gone = messages.filter((message) => message.includes("has stopped: it is started")).length;
    expect([messages, there]).toEqual([messages, gone]);
    expect(await ask(head, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 50 * hosts.length]] },
    ]);
    await head.writeLines(lines(50, 50), { database: "d" });
    await closeHead(head);
    const again = await openHead(3);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 100 * hosts.length]] },
    ]);
  });

  test("misses no drop: a database made anew has nothing of the one before", async () => {
    const head = await openHead(3);
    for (let round = 0; round < 4; round++) {
      await ask(head, "CREATE DATABASE d");
      await head.writeLines(lines(0, 20), { database: "d" });
      head.kill(1 + (round % 2));
      await ask(head, round % 2 === 0 ? "DROP DATABASE d" : "DROP MEASUREMENT cpu");
      await ask(head, "CREATE DATABASE d");
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      expect(await ask(head, "SELECT * FROM cpu")).toEqual([]);
      // types are given anew, too
      expect((await head.writeLines('cpu,host=h1 usage="text" 1', { database: "d" })).errors).toEqual([]);
      await ask(head, "DROP MEASUREMENT cpu");
    }
  });

  test("and others that die while something is dropped leave nothing of it, whoever writes meanwhile", async () => {
    const head = await openHead(3);
    // (a start takes longer than what the head does itself)
    for (let i = 0; i < 4; i++) await head.writeLines(lines(1000 * i, 1000), { database: "kept" });
    await ask(head, "CREATE DATABASE d");
    for (let round = 0; round < 8; round++) {
      await ask(head, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
      let isOver = false;
      let written = 0;
      const writer = async (from: number) => {
        for (let i = from; !isOver; i += 4) {
          const line = `m,h=${hosts[i % hosts.length]} v=${i}i ${i}`;
          const target = { database: "d", retentionPolicy: "p" };
          const outcome = await head.writeLines(line, target).catch(() => null);
          if (outcome === null) await Bun.sleep(1);
          else written++;
        }
      };
      const writers = [0, 1, 2, 3].map(writer);
      while (written < 100) await Bun.sleep(1);
      const dropping = ask(head, "DROP RETENTION POLICY p ON d");
      await Bun.sleep(round % 4);
      head.kill(1 + (round % 2));
      await Bun.sleep(20 * (round % 4));
      head.kill(2 - (round % 2));
      await dropping;
      isOver = true;
      await Promise.all(writers);
      await ask(head, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      expect([round, await ask(head, "SELECT count(v) FROM d.p.m")]).toEqual([round, []]);
      await ask(head, "DROP RETENTION POLICY p ON d");
    }
    expect(await ask(head, "SELECT count(usage) FROM kept.autogen.cpu")).toMatchObject([
      { rows: [[0n, 4000 * hosts.length]] },
    ]);
  });

  test("holds up the new types of what is dropped: a crash then finds those of before or those of after, never both", async () => {
    const head = await openHead(3);
    // (a start takes longer than a drop)
    for (let i = 0; i < 4; i++) await head.writeLines(lines(1000 * i, 1000), { database: "d" });
    let waits = 0;
    for (let round = 0; round < 12; round++) {
      for (const host of hosts) await head.writeLines(`m,h=${host} f=1i 1`, { database: "d" });
      let isOver = false;
      const dropping = ask(head, "DROP MEASUREMENT m").then(() => {
        isOver = true;
      });
      await Bun.sleep(round % 4);
      head.kill(1 + (round % 2));
      while (!isOver) {
        const writes = hosts.slice(0, 12).map((host) =>
          head.writeLines(`m,h=${host} f="text" 1`, { database: "d" }).then(
            ({ rows }) => ({ rows, isAfter: isOver }),
            () => ({ rows: 0, isAfter: false }),
          ),
        );
        for (const { rows, isAfter } of await Promise.all(writes)) {
          if (rows > 0) expect([round, isAfter]).toEqual([round, true]);
          if (rows > 0) waits++;
        }
      }
      await dropping;
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      await ask(head, "DROP MEASUREMENT m");
    }
    expect(waits).toBeGreaterThan(0);
  });

  test("gives its clients answers of ours or closes their connections", async () => {
    const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const port = probe.port!;
    await probe.stop(true);
    const script = new URL("./crash/crashing.ts", import.meta.url).pathname;
    const child = Bun.spawn([process.execPath, script, dataDir, String(port)], {
      ...{ stdout: "pipe", stderr: "inherit" },
    });
    const reader = child.stdout.getReader();
    const seen = async (end: string) => {
      let output = "";
      while (!output.endsWith(end)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the server has ended: ${output}`);
        output += new TextDecoder().decode(value);
      }
      return output;
    };
    const requests = (crash: string) => [
      `GET /query?db=d&q=${encodeURIComponent(crash)} HTTP/1.1`,
      "GET /query?db=d&q=SHOW+DATABASES HTTP/1.1",
      "GET /health HTTP/1.1",
      "GET /metrics HTTP/1.1",
      "POST /query?db=d&q=SHOW+DATABASES HTTP/1.1\r\nContent-Length: 0",
      "POST /write?db=d HTTP/1.1\r\nContent-Length: 10",
    ];
    const sent = (head: string) =>
      `${head}\r\nHost: 127.0.0.1\r\n\r\n${head.endsWith("10") ? "m,h=h1 v=1" : ""}`;
    try {
      await seen("ready\n");
      for (let round = 0; round < 12; round++) {
        const each = requests(CRASHES[round % 2]!).map(sent);
        const clients = await Promise.all([...each, ...each].map((request) => client(port, request)));
        // in one stretch: the thread dies with what it has read, with what it could have and with what comes
        const answers = await Promise.all(clients.map((send) => send()));
        for (const [i, answer] of answers.entries())
          if (answer !== "") expect([i, answer]).toEqual([i, expect.stringContaining("X-Influxdb-Version")]);
        expect(answers).toContain("");
        expect(await seen("has its rows again\n")).toContain("thread 1: Error: nobody catches this\n");
      }
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });

  test("while it is being ended is started again once", async () => {
    const head = await openHead(2);
    const messages: string[] = [];
    head.onThread = (message) => {
      messages.push(message);
      if (message.includes("is ended")) head.kill(1);
    };
    const path = join(dataDir, "users");
    const told = head.users.onChange;
    head.users.onChange = async () => {
      const whole = readFileSync(path);
      writeFileSync(path, "no users");
      await told();
      writeFileSync(path, whole);
    };
    await ask(head, "CREATE USER u WITH PASSWORD 'p'");
    const isOver = (message: string) => /has its rows again|could not be started/.test(message);
    while (!messages.some(isOver)) await Bun.sleep(5);
    expect(messages).toEqual([
      expect.stringContaining("thread 1 is ended, it could not read what changed"),
      expect.stringContaining("it was told to crash"),
      expect.stringContaining("has stopped"),
      "thread 1 has its rows again",
    ]);
  });

  test("ends what waits for it with an error, not never", async () => {
    const head = await openHead(2);
    await head.writeLines(lines(0, 200), { database: "d" });
    const asked = Array.from({ length: 20 }, () =>
      ask(head, "SELECT * FROM cpu GROUP BY host").catch((error) => error as Error),
    );
    head.kill(1);
    const answers = await Promise.all(asked);
    for (const answer of answers)
      if (answer instanceof Error) expect(answer.message).toContain("send again");
      else expect(answer.length).toBe(hosts.length);
  });
});

// A connection; calling it sends the request and gives what came until it was closed, or until the headers were there.
function client(port: number, request: string): Promise<() => Promise<string>> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  const answer = new Promise<string>((resolve) => {
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(text));
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () =>
      resolve(() => {
        socket.write(request);
        return answer;
      }),
    );
  });
}

describe("closing", () => {
  test("ends all threads and says what one of them could not do; calling again waits for the same", async () => {
    const head = await openHead(3);
    await head.writeLines(lines(0, 10), { database: "d" });
    for (const [partition, owner] of ownersOf(16, 3).entries())
      if (owner === 2) rmSync(join(dataDir, `p${String(partition).padStart(2, "0")}`), { recursive: true });
    heads.clear();
    const failures = await Promise.all(
      [head.close(), head.close()].map((closing) => closing.catch((error) => error)),
    );
    for (const { name, message } of failures) {
      expect(name).toBe("DiskError");
      expect(message).toMatch(/p\d\d/);
    }
    // the lock is free, and what was acknowledged is in the logs
    const again = await openHead(3);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 10 * hosts.length]] },
    ]);
  });

  test("while a thread is being started ends that one, too", async () => {
    for (let round = 0; round < 6; round++) {
      const head = await openHead(3);
      await head.writeLines(lines(10 * round, 10), { database: "d" });
      head.kill(1 + (round % 2));
      await Bun.sleep(15 * round);
      await closeHead(head);
    }
    const again = await openHead(2);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 60 * hosts.length]] },
    ]);
  });
});
