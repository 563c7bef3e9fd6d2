// The route of queries, through real connections: parameters, the forms of answers, and what ends one.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { db, errorOf, jsonOf, renew, serveRecorder } from "./support/recorder.ts";

const { server, url } = serveRecorder();
afterAll(() => server.stop(0));
beforeEach(renew);

describe("/query", () => {
  test("GET", async () => {
    const response = await fetch(
      `${url}/query?db=d&q=${encodeURIComponent("show databases")}&rp=&epoch=&params=%7B%7D`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe('{"results":[{"statement_id":0}]}\n');
    const { text, options } = db.queries[0]!;
    expect(text).toBe("show databases");
    expect(options).toMatchObject({ database: "d", readOnly: true, params: {} });
    expect(options.retentionPolicy).toBeUndefined();
  });

  test("POST: Telegraf's form, Grafana's form with parameters in the URL, multipart, no Content-Type", async () => {
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const q = 'CREATE DATABASE "telegraf"';
    await fetch(`${url}/query`, { method: "POST", headers: form, body: `q=${encodeURIComponent(q)}` });
    await fetch(`${url}/query?db=d&epoch=ms`, { method: "POST", headers: form, body: "q=SELECT+1" });
    const multipart = new FormData();
    multipart.set("q", new Blob(["SELECT 2"]), "queries.txt");
    multipart.set("db", "other");
    await fetch(`${url}/query?db=d`, { method: "POST", body: multipart });
    await fetch(`${url}/query?q=SELECT+3`, { method: "POST" });
    expect(db.queries.map(({ text, options }) => [text, options.database, options.readOnly])).toEqual([
      [q, undefined, false],
      ["SELECT 1", "d", false],
      ["SELECT 2", "d", false],
      ["SELECT 3", undefined, false],
    ]);
  });

  test.each([
    ["", 'missing required parameter "q"'],
    ["q=BAD", "error parsing query: found BAD at line 1, char 1"],
    ["q=x&params=bad", /^error parsing query parameters: /],
    ["q=x&params=[1]", /^error parsing query parameters: /],
  ])("%p is a bad request", async (query, message) => {
    const response = await fetch(`${url}/query?${query}`);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatch(message);
  });

  test("formats: epoch, pretty, chunked, CSV", async () => {
    db.onQuery = async function* () {
      yield {
        name: "m",
        columns: ["time", "f"],
        timeColumn: 0,
        rows: [
          [1_500_000_000n, 1],
          [2_000_000_000n, 2],
        ],
      };
    };
    const get = async (query: string, accept = "*/*") =>
      await (await fetch(`${url}/query?q=x&${query}`, { headers: { Accept: accept } })).text();
    expect(await get("epoch=s")).toContain('"values":[[1,1],[2,2]]');
    expect(await get("epoch=bogus")).toContain("[1500000000,1]");
    expect(await get("")).toContain('["1970-01-01T00:00:01.5Z",1]');
    expect(await get("pretty=true")).toContain('\n    "results": [\n');
    expect((await get("chunked=true&chunk_size=1")).split("\n")).toHaveLength(3);
    expect((await get("chunked=true")).split("\n")).toHaveLength(2);
    for (const accept of [
      "application/csv",
      "text/csv",
      "TEXT/CSV; charset=utf-8",
      "*/*;q=0.1, text/csv;q=0.9, x/y",
    ])
      expect(await get("", accept)).toBe("name,tags,time,f\nm,,1500000000,1\nm,,2000000000,2\n");
    for (const accept of ["text/csv;q=0.9, application/json", "text/csv;q=0", "text/html", "*/*, text/csv"])
      expect(await get("", accept)).toStartWith('{"results":');
    expect(await get("", "application/json, text/csv")).toStartWith("{");
  });

  test("a long answer is streamed and complete", async () => {
    db.onQuery = async function* () {
      for (let part = 0; part < 50; part++) {
        await Bun.sleep(0);
        const rows = Array.from({ length: 1000 }, (_, row) => [BigInt(part * 1000 + row), "x".repeat(20)]);
        yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: part < 49 };
      }
    };
    const response = await fetch(`${url}/query?q=x&epoch=ns`);
    expect(response.headers.get("content-length")).toBeNull();
    const { results } = await jsonOf(response);
    expect(results[0].series).toHaveLength(1);
    expect(results[0].series[0].values).toHaveLength(50_000);
    expect(results[0].series[0].values[49_999][0]).toBe(49_999);
  });

  test("a long answer that never waits for anything lets other requests through", async () => {
    db.onQuery = async function* () {
      const rows = Array.from({ length: 1000 }, (_, row) => [BigInt(row), "z".repeat(50)]);
      for (let part = 0; part < 600; part++)
        yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: true };
    };
    const finished: string[] = [];
    const answer = fetch(`${url}/query?q=x`)
      .then((response) => response.arrayBuffer())
      .then(() => finished.push("answer"));
    while (db.queries.length === 0) await Bun.sleep(1);
    await fetch(`${url}/ping`).then(() => finished.push("ping"));
    await answer;
    expect(finished).toEqual(["ping", "answer"]);
  });

  test("clients that read slowly get what one gets that reads at once", async () => {
    db.onQuery = async function* () {
      for (let part = 0; part < 60; part++) {
        const rows = Array.from({ length: 2000 }, (_, row) => [
          BigInt(part * 2000 + row),
          row / 8,
          "y".repeat(60),
        ]);
        yield { name: "m", columns: ["time", "n", "f"], timeColumn: 0, rows, partial: part < 59 };
      }
    };
    const whole = await (await fetch(`${url}/query?q=x&epoch=ns`)).text();
    expect(whole.length).toBeGreaterThan(8_000_000);
    const slowly = async (pauseMs: number) => {
      const response = await fetch(`${url}/query?q=x&epoch=ns`);
      let text = "";
      const utf8 = new TextDecoder();
      for await (const piece of response.body!) {
        text += utf8.decode(piece, { stream: true });
        if (text.length < 3_000_000) await Bun.sleep(pauseMs);
      }
      return text;
    };
    for (const text of await Promise.all([slowly(1), slowly(3), slowly(0)]))
      expect(text === whole).toBe(true);
    db.queries = [];
  });

  test("a client that goes away ends the query: before the answer began, and in the middle of it", async () => {
    for (const partCount of [0, 1000]) {
      let ended = false;
      let given = 0;
      db.onQuery = async function* (signal) {
        const rows = Array.from({ length: 5000 }, (_, row) => [BigInt(row), "y".repeat(30)]);
        try {
          for (; given < partCount; given++)
            yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: true };
          while (!signal!.aborted) await Bun.sleep(1);
          throw new Error("aborted");
        } finally {
          ended = true;
        }
      };
      const socket = connect(server.port, "127.0.0.1", () =>
        socket.write("GET /query?q=x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      );
      if (partCount > 0) await new Promise((resolve) => socket.once("data", resolve));
      else while (db.queries.length === 0) await Bun.sleep(5);
      await Bun.sleep(50);
      socket.destroy();
      for (let waits = 0; waits < 200 && !ended; waits++) await Bun.sleep(10);
      expect(ended).toBe(true);
      if (partCount > 0) expect(given).toBeLessThan(partCount);
      db.queries = [];
    }
  });
});
