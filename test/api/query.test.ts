// GET and POST /query, beside a real influxd: parameters wherever they may stand, statements, errors of every kind.
import { afterAll, beforeAll, describe } from "bun:test";
import { gzipSync } from "node:zlib";
import { type Servers, startServers } from "../clients/servers.ts";
import { known } from "./differences.ts";
import { type Case, compare, differs, form, jsonError, type Request, url } from "./exchange.ts";
import { get, prepareStored, some } from "./stored.ts";

let running: Servers;
beforeAll(async () => {
  running = await startServers();
  await prepareStored(running);
});
afterAll(() => running.stop());

const cases = (list: readonly Case[]) => compare(() => running, list);

describe("parameters", () => {
  const multipart = (parts: Record<string, string | Blob>, path = "/query?db=d"): Request => {
    const body = new FormData();
    for (const [name, value] of Object.entries(parts)) body.set(name, value);
    return { method: "POST", path, body };
  };
  const file = (text: string) => new File([text], "q.txt");
  const typed = (type: string, body: string, path = "/query?db=d"): Request => ({
    ...{ method: "POST", path, headers: { "Content-Type": type } },
    body: body.startsWith("--B") ? `${body}--B--\r\n` : body,
  });
  const formType = "application/x-www-form-urlencoded";
  const multipartType = "multipart/form-data; boundary=B";
  const part = (name: string, value: string, fileName?: string) =>
    `--B\r\nContent-Disposition: form-data; name="${name}"${fileName ? `; filename="${fileName}"` : ""}\r\n\r\n${value}\r\n`;
  const inUs = differs(known.microseconds, { status: 200 });
  cases([
    { title: "q in the URL", request: get({ q: some }) },
    { title: "q in a form", request: form({ db: "d", q: some, epoch: "ms" }) },
    {
      title: "q in a form, the rest in the URL",
      request: form({ q: some }, "/query?db=d&epoch=ms&pretty=true"),
    },
    { title: "the form's db before the URL's", request: form({ db: "d", q: some }, "/query?db=nope") },
    {
      title: "q in the URL of a POST",
      request: { method: "POST", path: url("/query", { db: "d", q: some }) },
    },
    ...[20_000, 700_000].map((length) => ({
      title: `q of ${length} bytes in the URL`,
      request: get({ q: `SELECT value FROM cpu WHERE host =~ /^(b|${"a".repeat(length)})$/ LIMIT 1` }),
    })),
    { title: "q as a part", request: multipart({ q: some }) },
    { title: "q as a file", request: multipart({ q: file(`${some};\nSHOW MEASUREMENTS`) }) },
    {
      title: "a media type in capitals",
      request: typed("Application/X-WWW-Form-URLEncoded; charset=UTF-8", "q=SHOW+MEASUREMENTS"),
    },
    {
      title: "multipart in capitals",
      request: typed("Multipart/Form-Data; boundary=B", part("q", "SHOW MEASUREMENTS")),
    },
    { title: "another type", request: typed("application/octet-stream", "q=SHOW+MEASUREMENTS") },
    { title: "JSON", request: typed("application/json", '{"q":"SHOW MEASUREMENTS"}') },
    {
      title: "no type",
      request: { method: "POST", path: "/query?db=d", body: new TextEncoder().encode("q=SHOW+MEASUREMENTS") },
      differs: differs(known.forms, { status: 200 }),
    },
    {
      title: "compressed",
      request: {
        ...{ method: "POST", path: "/query?db=d", body: gzipSync("q=SHOW+MEASUREMENTS") },
        headers: { "Content-Type": formType, "Content-Encoding": "gzip" },
      },
      differs: differs(known.forms, { status: 200 }),
    },
    // Python's client says so of all that it sends, here with q in the URL and no body
    ...["gzip", "identity", "br"].map((encoding) => ({
      title: `no body, said to be ${encoding}`,
      request: {
        ...{ method: "POST", path: url("/query", { db: "d", q: some }) },
        headers: { "Content-Encoding": encoding, "Content-Length": "0" },
      },
    })),
    {
      title: "a form that is not compressed, and is said to be",
      request: {
        ...{ method: "POST", path: "/query?db=d", body: `${new URLSearchParams({ q: some })}` },
        headers: { "Content-Type": formType, "Content-Encoding": "gzip" },
      },
    },
    {
      title: "names twice in the URL",
      request: {
        path: `${url("/query", { db: "d", epoch: "s", q: some })}&db=nope&epoch=ms&q=SHOW+DATABASES`,
      },
    },
    {
      title: "names twice in a form",
      request: typed(formType, `${new URLSearchParams({ q: some, epoch: "s" })}&epoch=ms&q=SHOW+DATABASES`),
    },
    { title: "an empty q in the form", request: form({ q: "" }, url("/query", { db: "d", q: some })) },
    {
      title: "names twice as parts",
      request: typed(multipartType, part("q", "SHOW MEASUREMENTS") + part("q", "SHOW TAG KEYS")),
    },
    {
      title: "a part and a file",
      request: typed(multipartType, part("q", "SHOW TAG KEYS", "q.txt") + part("q", "SHOW MEASUREMENTS")),
    },
    {
      title: "an empty part and a file",
      request: typed(multipartType, part("q", "SHOW TAG KEYS", "q.txt") + part("q", "")),
    },
    {
      title: "the URL's q before a part",
      request: multipart(
        { q: "SHOW TAG KEYS", epoch: "s" },
        url("/query", { db: "d", q: some, epoch: "ms" }),
      ),
    },
    {
      title: "the URL's q before a file",
      request: multipart({ q: file("SHOW TAG KEYS") }, url("/query", { db: "d", q: some })),
    },
    { title: "db as a file", request: multipart({ q: some, db: file("d") }, "/query") },
    {
      title: "no multipart at all",
      request: typed(multipartType, "garbage", url("/query", { db: "d", q: some })),
      differs: differs(known.noMultipart, { status: 400 }),
    },
    ...["SHOW+MEASUREMENTS;SHOW+TAG+KEYS", "SHOW+MEASUREMENTS+--+%zz"].flatMap((q) =>
      [{ path: `/query?db=d&q=${q}` }, typed(formType, `q=${q}`)].map((request) => ({
        title: `${request.method ?? "GET"} of ${q}, as it is`,
        request,
        differs: differs(known.queryStrings, { status: 200 }),
      })),
    ),
    { title: "db, epoch and q as parts", request: multipart({ db: "d", q: some, epoch: "s" }, "/query") },
    { title: "no q", request: get({}) },
    { title: "an empty q", request: get({ q: "" }) },
    { title: "no q by POST", request: { method: "POST", path: "/query" } },
    { title: "no q, as JSON in lines", request: get({ pretty: "true" }) },
    { title: "no db", request: get({ db: "", q: some }) },
    { title: "an unknown db", request: get({ db: "nope", q: some }) },
    { title: "an unknown rp", request: get({ rp: "nope", q: some }) },
    { title: "an empty rp", request: get({ rp: "", q: some }) },
    { title: "another rp", request: get({ rp: "day", q: some }) },
    ...["ns", "n", "u", "ms", "s", "m", "h", "", "bogus", "d", "N"].map((epoch) => ({
      title: `epoch=${epoch}`,
      request: get({ q: some, epoch }),
    })),
    ...["µ", "us"].map((epoch) => ({
      title: `epoch=${epoch}`,
      request: get({ q: some, epoch }),
      differs: inUs,
    })),
    ...["true", "false", "1", "", "t"].map((pretty) => ({
      title: `pretty=${pretty}`,
      request: get({ q: some, pretty }),
    })),
    { title: "pretty, an error", request: get({ q: "SELEC", pretty: "true" }) },
    {
      title: "pretty, in chunks",
      request: get({ q: some, pretty: "true", chunked: "true", chunk_size: "2" }),
    },
    ...["true", "false", "1"].map((async) => ({ title: `async=${async}`, request: get({ q: some, async }) })),
    { title: "async, an error", request: get({ q: "SELEC", async: "true" }) },
  ]);
});

describe("params", () => {
  const ask = (params: string, condition: string) =>
    get({ q: `SELECT value FROM cpu WHERE ${condition} LIMIT 2`, params });
  const same: [string, string][] = [
    ['{"h":"a"}', "host=$h"],
    ["{}", "host=$h"],
    ["", "host=$h"],
    ["null", "host=$h"],
    ['{"h":1}', "value=$h"],
    ['{"h":1.5}', "value=$h"],
    ['{"h":1.0}', "value=$h"],
    ['{"h":true}', "b=$h"],
    ['{"h":null}', "value=$h"],
    ['{"k":null,"h":1}', "n=$h"],
    ['{"h":[1]}', "value=$h"],
    ['{"h":{}}', "value=$h"],
    ['{"h":{"a":1,"b":2}}', "value=$h"],
    ['{"h":{"what":1}}', "value=$h"],
    ['{"h":{"duration":"1m"}}', "time > $h"],
    ['{"h":{"duration":1000}}', "time > $h"],
    ['{"h":{"duration":true}}', "time > $h"],
    ['{"h":{"duration":"x"}}', "time > $h"],
    ['{"h":{"regex":"a"}}', "host =~ $h"],
    ['{"h":{"regex":"["}}', "host =~ $h"],
    ['{"h":{"regex":"^/?a$"}}', "host =~ $h"],
    ['{"h":{"string":"a"}}', "host = $h"],
    ['{"h":{"string":1}}', "host = $h"],
    ['{"h":{"identifier":"host"}}', "$h = 'a'"],
    ['{"h":{"identifier":1}}', "$h = 'a'"],
    ['{"h":{"float":2}}', "value > $h"],
    ['{"h":{"float":"x"}}', "value > $h"],
    ['{"h":{"integer":2}}', "n > $h"],
    ['{"h":{"integer":1.5}}', "n > $h"],
    ['{"h":9223372036854775807}', "n < $h"],
    ['{"h":"2023-11-14T22:13:22Z"}', "time < $h"],
    ['{"h":1700000003000000000}', "time < $h"],
    ['{"a b":1}', 'n = $"a b"'],
    ['{"h":"a","h":"b"}', "host=$h"],
    ["{\"h\":\"a' OR 'a'='a\"}", "host=$h"],
  ];
  const notJson = (body: string, error: string | RegExp = /^error parsing query parameters: /): Case => ({
    title: `params=${body}`,
    request: ask(body, "host=$h"),
    comparable: (seen) => ({
      ...seen,
      error: null,
      body: String(seen.error).replace(error, "") === seen.error,
    }),
  });
  cases([
    ...same.map(([params, condition]) => ({
      title: `params=${params}, ${condition}`,
      request: ask(params, condition),
    })),
    // the rest of the message is the JSON parser's own
    ...[
      "bad",
      "[1]",
      '"x"',
      "1",
      '{"h":"a"',
      '{"h":1,}',
      "{h:1}",
      "{'h':1}",
      "tru",
      '{"h":01}',
      '{"h":"a\nb"}',
      '{"h":[1,]}',
    ].map((each) => notJson(each)),
    {
      title: "a regex that is no text",
      request: ask('{"h":{"regex":1}}', "host =~ $h"),
      differs: differs(known.regexParameter, {
        status: 400,
        error: "error parsing query: missing parameter: regex literal must be a string value",
      }),
    },
    {
      title: "JSON's 1e2",
      request: ask('{"h":1e2}', "value=$h"),
      differs: differs(known.exponents, { status: 200 }),
    },
    {
      title: "text after the JSON",
      request: ask('{"h":"a"} x', "host=$h"),
      differs: differs(known.textBehindParameters, { status: 400 }),
    },
    {
      title: "{boolean}",
      request: ask('{"h":{"boolean":true}}', "b=$h"),
      differs: differs(known.booleanParameter, { status: 200 }),
    },
    { title: "LIMIT", request: get({ q: "SELECT value FROM cpu LIMIT $l", params: '{"l":1}' }) },
    { title: "FROM", request: get({ q: "SELECT value FROM $l LIMIT 1", params: '{"l":"cpu"}' }) },
    {
      title: "GROUP BY time",
      request: get({
        q: "SELECT mean(value) FROM cpu WHERE time < 1700000010s AND time >= 1700000000s GROUP BY time($l)",
        params: '{"l":{"duration":"5s"}}',
      }),
    },
  ]);
});

describe("statements", () => {
  const three =
    "SELECT value FROM cpu LIMIT 1; SELECT bogus(x) FROM cpu; SELECT n FROM cpu LIMIT 1; SELECT n FROM cpu";
  const inOrder = differs(known.inOrder, { status: 200, error: null });
  cases([
    {
      title: "one that cannot be read refuses all",
      request: form({ db: "d", q: "CREATE DATABASE never; SELECT x(" }),
    },
    { title: "so that nothing ran", request: get({ q: "SHOW MEASUREMENTS ON never" }) },
    { title: "after one that fails none runs", request: form({ db: "d", q: three }), differs: inOrder },
    { title: "also in chunks", request: form({ db: "d", q: three, chunked: "true" }), differs: inOrder },
    { title: "the second of two fails", request: form({ db: "d", q: `${some}; SELECT bogus(x) FROM cpu` }) },
    {
      title: "a warning for what changes something by GET",
      request: get({ q: "CREATE DATABASE a; DROP SERIES FROM nope" }),
    },
    {
      title: "and for INTO",
      request: get({ q: "SELECT n INTO copy FROM cpu" }),
      differs: differs(known.warnings, { status: 200, error: null }),
    },
    {
      title: "an empty statement",
      request: get({ q: ";" }),
      differs: differs(known.emptyStatement, { body: [{ results: [{ statement_id: "number 0" }] }] }),
    },
    {
      title: "a password in a subscription",
      request: form({
        q: "CREATE SUBSCRIPTION s ON a.autogen DESTINATIONS ANY 'http://joe:secret@127.0.0.1:9', 'udp://127.0.0.1:9'",
      }),
    },
    {
      title: "is shown to nobody",
      request: get({ q: "SHOW SUBSCRIPTIONS" }),
      differs: differs(known.subscriptionPasswords, { status: 200, error: null }),
      comparable: (seen) => ({ ...seen, body: String(JSON.stringify(seen.body)).includes("secret") }),
    },
    { title: "GRANT printed", request: get({ q: "GRANT ALL ON nope TO nope" }) },
    ...["HEAD", "PUT", "DELETE", "PATCH"]
      .map((method) => ({
        title: method,
        request: { method, path: url("/query", { q: "DROP DATABASE d" }) },
        differs: jsonError(405, `method ${method} not allowed on /query: use OPTIONS, GET, POST`),
      }))
      .map((each) =>
        each.request.method === "HEAD"
          ? { ...each, differs: differs(known.jsonErrors, { status: 405 }) }
          : each,
      ),
    { title: "nothing was dropped", request: get({ q: some }) },
    {
      title: "OPTIONS",
      request: { method: "OPTIONS", path: "/query" },
      differs: differs(known.options, { status: 204 }),
    },
  ]);
});

describe("names of databases and retention policies", () => {
  const long = "é".repeat(128);
  const none = [
    "",
    ".",
    "..",
    "/",
    "a/b",
    "a\\\\b",
    "a\\nb",
    "a\tb",
    "a\u200bb",
    "a\u0085b",
    "a\u00a0b",
    long,
  ];
  const fine = [" ", "...", "a b", "a:b*?|", "é漢", `${long.slice(1)}x`, "-1"];
  const statement = (q: string) => ({ title: q, request: form({ db: "d", q }) });
  const policy = (name: string, on: string, duration: string) =>
    statement(`CREATE RETENTION POLICY "${name}" ON ${on} DURATION ${duration} REPLICATION 1`);
  cases([
    ...[...none, ...fine].map((name) => statement(`CREATE DATABASE "${name}"`)),
    ...[...none, ...fine].map((name) => policy(name, "d", "2h")),
    // which of several errors
    ...["a/b", "", long].flatMap((name) => [
      policy(name, "nope", "2h"),
      policy(name, "d", "1m"),
      policy(name, "nope", "1m"),
      statement(`CREATE DATABASE "${name}" WITH DURATION 1m`),
      statement(`CREATE DATABASE "${name}" WITH DURATION 1h NAME "a/b"`),
      statement(`CREATE DATABASE d WITH DURATION 1h NAME "${name}"`),
      statement(`ALTER RETENTION POLICY "${name}" ON nope DURATION 2h`),
    ]),
    // without a name it is the default one
    statement('CREATE DATABASE unnamed WITH DURATION 2h NAME ""'),
    statement('ALTER RETENTION POLICY "" ON unnamed DURATION 3h SHARD DURATION 2h'),
    statement("SHOW RETENTION POLICIES ON unnamed"),
    statement('CREATE DATABASE unnamed WITH DURATION 2h NAME "a/b"'),
    statement("SHOW DATABASES"),
    {
      title: "a write makes none either",
      request: { method: "POST", path: "/write?db=a%2Fb", body: "m v=1" },
      differs: differs(known.createdByWrite, {
        status: 400,
        error:
          'invalid name: "a/b" cannot be a database: up to 255 bytes of printable characters without / and \\, and not . or ..',
      }),
    },
  ]);
});
