// Forms of answers, beside a real influxd: chunks, formats, compression, and who may read them.
import { afterAll, beforeAll, describe } from "bun:test";
import { type Servers, startServers } from "../clients/servers.ts";
import { known } from "./differences.ts";
import { asIn, type Case, compare, differs } from "./exchange.ts";
import { get, prepareStored, some } from "./stored.ts";

let running: Servers;
beforeAll(async () => {
  running = await startServers();
  await prepareStored(running);
});
afterAll(() => running.stop());

const cases = (list: readonly Case[]) => compare(() => running, list);

describe("chunks", () => {
  const q = `${some}; SELECT n FROM cpu GROUP BY host LIMIT 3; SELECT x FROM cpu`;
  cases([
    ...[
      "",
      "0",
      "-1",
      "abc",
      "1",
      "2",
      "3",
      "7",
      "1.5",
      "1e2",
      "99999999999999999999",
      "2147483648",
      " 2",
      "+2",
      "0x2",
    ].map((chunk_size) => ({
      title: `chunk_size=${chunk_size}`,
      request: get({ q, chunked: "true", chunk_size }),
    })),
    ...["true", "false", "1", "t"].map((chunked) => ({
      title: `chunked=${chunked}`,
      request: get({ q, chunked, chunk_size: "2" }),
    })),
    { title: "chunk_size alone", request: get({ q, chunk_size: "1" }) },
    { title: "nothing to answer", request: get({ q: "SELECT value FROM nope", chunked: "true" }) },
    { title: "an error", request: get({ q: "SELECT bogus(value) FROM cpu", chunked: "true" }) },
    { title: "a request that fails", request: get({ q: "SELEC", chunked: "true" }) },
  ]);
});

describe("formats", () => {
  const statements = [
    "SELEC",
    "",
    "SELECT * FROM cpu LIMIT 4",
    "SELECT value,host FROM cpu LIMIT 1; SELECT n FROM cpu LIMIT 1",
    "SELECT mean(value), count(n) FROM cpu GROUP BY host",
    "SHOW DATABASES",
    "SHOW MEASUREMENTS",
    "SELECT x FROM nope",
    "CREATE DATABASE a",
  ];
  const functionsOfTypes = [
    "SELECT * FROM types",
    "SELECT f, i FROM types GROUP BY t",
    ...["count", "mean", "median", "sum", "spread", "stddev", "first", "last", "max", "min", "cumulative_sum"]
      .concat(["derivative", "difference", "elapsed", "distinct", "floor", "sqrt"])
      .map(
        (name) =>
          `SELECT ${name}(f), ${name}(i) FROM types WHERE i < 100000000000 AND i > -100000000000 AND f < 100000000000`,
      )
      .map((q) => (q.includes("distinct") ? q.replace(/, \w+\(i\)/, "") : q)),
    ...["first", "max", "min"].map((name) => `SELECT ${name}(i), f, s, b, t FROM types`),
    "SELECT f / 2, i + i, i / 2, -i, i * 1.0 FROM types WHERE i < 100000000000 AND i > -100000000000",
    "SELECT count(i), sum(i) FROM types WHERE time >= 0 AND time < 40 AND i < 100000000000 GROUP BY time(10ns) fill(0)",
    "SELECT max(f), max(i) FROM types WHERE time >= 0 AND time < 40 GROUP BY time(10ns), t fill(previous)",
    "SELECT i FROM (SELECT i, f FROM types)",
    "SELECT i::float, f::integer FROM types WHERE f < 1000 AND f > -1000",
  ];
  const noIds = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (_, each) => each),
      (key, each) => (key === "statement_id" || (key === "series" && each.length === 0) ? undefined : each),
    );
  cases([
    ...[
      "application/json",
      "text/csv",
      "application/csv",
      "application/x-msgpack",
      "text/html",
      "*/*",
      "text/*",
      "",
      "garbage",
      "text/csv;q=0",
      "image/png;q=1, */*;q=0.8",
      "text/csv;q=0.1, application/json;q=0.9",
    ].map((Accept) => ({ title: `Accept: ${Accept}`, request: get({ q: some }, { Accept }) })),
    ...[
      "text/csv; charset=utf-8",
      "text/csv,*/*",
      "text/html, text/csv",
      "application/x-msgpack, application/json",
      "application/json;q=0.1, text/csv;q=0.9",
    ].map((Accept) => ({
      title: `Accept: ${Accept}`,
      request: get({ q: some }, { Accept }),
      differs: differs(known.accept, {
        contentType: Accept.includes("msgpack") ? "application/x-msgpack" : "text/csv",
      }),
    })),
    ...["text/csv", "application/x-msgpack", "application/json"].flatMap((Accept) =>
      statements.flatMap((q): Case[] => [
        { title: `${Accept}: ${q}`, request: get({ q }, { Accept }) },
        ...(q.startsWith("SHOW")
          ? []
          : [
              {
                title: `${Accept} in chunks: ${q}`,
                request: get({ q, chunked: "true", chunk_size: "1", epoch: "ms" }, { Accept }),
              },
            ]),
        { title: `${Accept}, pretty: ${q}`, request: get({ q, pretty: "true" }, { Accept }) },
      ]),
    ),
    ...functionsOfTypes.flatMap((q) =>
      ["application/json", "text/csv", "application/x-msgpack"].map((Accept) => ({
        title: `${Accept}: ${q}`,
        request: get({ q, db: "types", epoch: "ns" }, { Accept }),
      })),
    ),
    {
      title: "CSV, a statement that fails",
      request: get({ q: "SELECT bogus(value) FROM cpu" }, { Accept: "text/csv" }),
      differs: differs(known.csvErrors, { body: "error\nundefined function bogus()\n" }),
    },
    {
      title: "MessagePack, a statement that fails",
      request: get({ q: "SELECT bogus(value) FROM cpu" }, { Accept: "application/x-msgpack" }),
      comparable: asIn(known.msgpackErrors, (seen) => ({ ...seen, body: noIds(seen.body) })),
    },
  ]);
});

describe("pages of other sites", () => {
  const refused = differs(known.otherSites, { status: 403, contentType: "application/json" });
  const asked = (headers: Record<string, string>) => get({ q: some }, headers);
  cases([
    { title: "a page", request: asked({ Origin: "http://example.org" }), differs: refused },
    { title: "by another name", request: asked({ Host: "db.example.org" }), differs: refused },
    { title: "a page of this machine", request: asked({ Origin: "http://localhost:3000" }) },
  ]);
});

describe("compression", () => {
  const large = Array.from({ length: 10 }, () => "SELECT * FROM cpu").join("; ");
  const small = differs(known.smallAnswers, { status: 200, encoding: null });
  const compressed = (q: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    get({ q, ...more }, { "Accept-Encoding": "gzip", ...headers });
  cases([
    { title: "a large answer", request: compressed(large) },
    { title: "in chunks", request: compressed(large, { chunked: "true", chunk_size: "3" }) },
    { title: "in CSV", request: compressed(large, {}, { Accept: "text/csv" }) },
    { title: "pretty", request: compressed(large, { pretty: "true" }) },
    { title: "a browser's header", request: get({ q: large }, { "Accept-Encoding": "gzip, deflate, br" }) },
    { title: "a small answer", request: compressed(some), differs: small },
    { title: "an error", request: compressed("SELEC") },
    { title: "another coding", request: get({ q: large }, { "Accept-Encoding": "br" }) },
  ]);
});
