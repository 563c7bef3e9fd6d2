// Regular expressions wherever a statement takes one, beside a real influxd; and that a hard one holds nobody else up.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Servers, startServers } from "../clients/servers.ts";
import { known } from "./differences.ts";
import { type Case, compare, differs, form, prepare, send } from "./exchange.ts";

let running: Servers;
const hosts = ["web01", "WEB02", "db.1", "db-2", "日本", "a b", "éa", "x/y", "", "a".repeat(50)];
beforeAll(async () => {
  running = await startServers();
  const lines = hosts.map(
    (host, i) =>
      `cpu_${i % 3}${host ? `,host=${host.replaceAll(" ", "\\ ")}` : ""},Region=r${i} usage_user=${i},usage_sys=${i * 2}i,note="${host}",Up=true ${i + 1}`,
  );
  await prepare(running, [
    form({ q: "CREATE DATABASE re" }),
    { method: "POST", path: "/write?db=re", body: lines.join("\n") },
  ]);
});
afterAll(() => running.stop());

const ask = (q: string): Case => ({ title: q, request: form({ q }, "/query?db=re&epoch=ns") });
const cases = (list: readonly string[]) => compare(() => running, list.map(ask));

const patterns = [
  "web",
  "^web",
  "(?i)^WEB",
  "(?i:web)0[12]$",
  "^\\d",
  "\\d$",
  "^\\pL+$",
  "\\p{Han}",
  "(?s)a.b",
  "a.b",
  "^$",
  ".*",
  ".+",
  "",
  "x\\/y",
  "[[:digit:]]",
  "^[^a-z]+$",
  "(a+)+$",
  "^a{50}$",
  "a{51}",
  "\\bb\\b",
  "\\x61",
  "\\Aweb",
  "1\\z",
  "^(?:web|db)",
  "\\.",
  "^.{2}$",
  "[^\\pL]",
  "(?i)É",
  "(?U)a+",
  // those that are none
  "[",
  "(",
  "a{1001}",
  "(a{100}){100}",
  "a(?=b)",
  "(a)\\1",
  "(?z)",
  "a**",
  "a{2,1}",
];

describe("conditions", () => {
  cases(
    patterns.flatMap((each) => [
      `SELECT usage_user FROM /.*/ WHERE host =~ /${each}/`,
      `SELECT usage_user FROM cpu_0 WHERE host !~ /${each}/`,
      `SELECT usage_user FROM cpu_0, cpu_1, cpu_2 WHERE note =~ /${each}/`,
      `SELECT usage_user FROM cpu_1 WHERE note !~ /${each}/`,
      `SHOW TAG VALUES WITH KEY = host WHERE host =~ /${each}/`,
    ]),
  );
});

describe("what would take long to compile", () => {
  const folded = "(?i)[b-\\x{10ffff}]{300}";
  const error = "error parsing query: error parsing regexp: expression too large at line 1, char 43";
  compare(
    () => running,
    [
      {
        ...ask(`SELECT usage_user FROM cpu_0 WHERE host =~ /${folded}/`),
        differs: differs(known.largeRegexes, { status: 400, error }),
      },
    ],
  );
});

describe("names", () => {
  cases([
    ...["cpu_[01]", "(?i)CPU_1", "^cpu", "\\d$", "nope", "", ".", "["].flatMap((each) => [
      `SELECT count(usage_user) FROM /${each}/`,
      `SELECT count(usage_user) FROM re.autogen./${each}/`,
      `SHOW MEASUREMENTS WITH MEASUREMENT =~ /${each}/`,
      `SHOW TAG KEYS FROM /${each}/`,
    ]),
    ...["usage", "(?i)USAGE_U", "user$", "host", "Region|usage", "", "note|Up", "nope", "["].flatMap(
      (each) => [
        `SELECT /${each}/ FROM cpu_0`,
        `SELECT max(/${each}/) FROM cpu_0`,
        `SELECT count(/${each}/) FROM cpu_1`,
        `SELECT count(usage_user) FROM cpu_1 GROUP BY /${each}/`,
        `SHOW TAG VALUES WITH KEY =~ /${each}/`,
        `SHOW TAG VALUES WITH KEY !~ /${each}/`,
      ],
    ),
  ]);
});

describe("a hard pattern over 10,000 series", () => {
  let seed = 12345;
  const letter = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed < 0x40000000 ? "a" : "b";
  };
  beforeAll(async () => {
    const host = (i: number) => `c${Array.from({ length: 100 }, letter).join("")}${i}`;
    const lines = Array.from({ length: 10_000 }, (_, i) => `m,host=${host(i)} v=${i} 1`);
    const written = await send(running.serieUrl, {
      method: "POST",
      path: "/write?db=hard",
      body: lines.join("\n"),
    });
    expect(written.status).toBe(204);
  });

  const MOST_CPU_S = 10;
  const slow = "([ab]{0,30}a){33}[cd]";
  test.each([
    ["(a+)+$", '{"results":[{"statement_id":"number 0"}]}'],
    [slow, `the regular expression /${slow}/ takes too long`],
  ])("/%s/ ends, and others are answered meanwhile", async (pattern, answered) => {
    for (const q of [
      `SELECT count(v) FROM m WHERE host =~ /${pattern}/`,
      `SHOW TAG VALUES WITH KEY = host WHERE host =~ /${pattern}/`,
    ]) {
      // (the server's threads are this process's: its computing time is the same however busy the machine is)
      const before = process.cpuUsage();
      const answer = send(running.serieUrl, form({ q }, "/query?db=hard"));
      expect((await fetch(`${running.serieUrl}/ping`)).status).toBe(204);
      const { status, body } = await answer;
      expect(status).toBe(200);
      expect(JSON.stringify(body)).toContain(answered);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1e6).toBeLessThan(MOST_CPU_S);
    }
  });
});
