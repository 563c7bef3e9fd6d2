// The parser: texts to statements and back, errors with their positions, and no text that makes it crash.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import type { Node } from "../src/query/ast.ts";
import { formatDuration, parseCalendarDuration, parseDuration } from "../src/query/duration.ts";
import { parseParameters } from "../src/query/parameters.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import { printNode, printStatement } from "../src/query/print.ts";

const reprint = (text: string): string => parseQuery(text).map(printStatement).join("; ");

function errorOf(text: string, json = "{}"): string {
  try {
    parseQuery(text, parseParameters(json));
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  return "no error";
}

/** As written -> as printed; null = the same. */
const valid: readonly (readonly [string, string | null])[] = [
  [
    "SELECT ts, location, value FROM weather WHERE ts >= '2024-01-10' AND ts <= '2024-01-25' AND location = 'HELSINKI' AND value > -10.0",
    null,
  ],
  [
    "select mean(\"value\") from cpu where time > now() - 1h group by time(10s) fill(null) tz('Europe/Berlin')",
    null,
  ],
  ["SELECT a FROM b -- a comment\n WHERE /* c */ x=1;;", "SELECT a FROM b WHERE x = 1"],
  ["SELECT a + b * c - d / (e | f) FROM m", null],
  [
    "SELECT mean(a) FROM m GROUP BY t fill(0) having mean > 1 and count(a) > 2 ORDER BY time DESC LIMIT 1",
    "SELECT mean(a) FROM m GROUP BY t fill(0) HAVING mean > 1 AND count(a) > 2 ORDER BY time DESC LIMIT 1",
  ],
  [
    "SELECT a.v / b.v AS r FROM x AS a FULL JOIN (SELECT v FROM y) AS b USING (time, h)",
    'SELECT "a.v" / "b.v" AS r FROM x AS a FULL JOIN (SELECT v FROM y) AS b USING (time, h)',
  ],
  [
    "SELECT join.v FROM left JOIN join USING (time) right outer join (SELECT v FROM y) AS join2 using (time)",
    'SELECT "join.v" FROM left AS left INNER JOIN join AS join USING (time) RIGHT JOIN (SELECT v FROM y) AS join2 USING (time)',
  ],
  ["SELECT having FROM having WHERE having = 1 GROUP BY having HAVING having > 1", null],
  ["SELECT -a, -(a), +a, - 1, -1.5, -10s FROM m", "SELECT -1 * a, -1 * (a), 1 * a, -1, -1.5, -10s FROM m"],
  ["SELECT a FROM m WHERE a = 1 OR b = 2 AND NOT_A_WORD = 3", null],
  ["SELECT a FROM m WHERE a <> 'x'", "SELECT a FROM m WHERE a != 'x'"],
  [
    "SELECT a FROM m WHERE v BETWEEN 1 AND 2 AND w = 3",
    "SELECT a FROM m WHERE (v >= 1 AND v <= 2) AND w = 3",
  ],
  ['SELECT "a b"::field, c::tag, *::tag, /x\\/y/ FROM "m\\"n"', null],
  ["SELECT \"limit\", 'it\\'s \\\\ \\n' FROM m WHERE s = 'ä'", null],
  [
    'SELECT a.b FROM db.rp.m, db..m, rp.m, /r/, rp./r/, db.."x y"',
    'SELECT "a.b" FROM db.rp.m, db..m, rp.m, /r/, rp./r/, db.."x y"',
  ],
  ["SELECT mean(a) FROM (SELECT max(a) AS a FROM m GROUP BY host) GROUP BY *, /h/", null],
  ["SELECT a INTO db.rp.:MEASUREMENT FROM /.*/ GROUP BY *", null],
  ["SELECT a FROM m ORDER BY time DESC LIMIT 1 OFFSET 2 SLIMIT 3 SOFFSET 4", null],
  ["SELECT a FROM m ORDER BY ASC", "SELECT a FROM m ORDER BY time ASC"],
  ["SELECT DISTINCT a, count(DISTINCT a), distinct(a) FROM m", null],
  [
    "SELECT a FROM m WHERE t > 1h30m AND u > 90000ms AND n < 1500us AND w = 1w",
    "SELECT a FROM m WHERE t > 90m AND u > 90s AND n < 1500u AND w = 1w",
  ],
  [
    "SELECT percentile(a, 90), 1e3, .5, 5., 18446744073709551615 FROM m",
    "SELECT percentile(a, 90), 1000.0, 0.5, 5.0, 18446744073709551615 FROM m",
  ],
  ["SELECT a FROM m WHERE h =~ /(?i)^a\\/b$/ AND h !~ /x/", null],
  ["SELECT mean(a) FROM m GROUP BY time(1m, -10s), host::tag fill(-1.5)", null],
  ["EXPLAIN ANALYZE SELECT a FROM m", null],
  ["show databases", "SHOW DATABASES"],
  ["SHOW MEASUREMENTS ON db WITH MEASUREMENT =~ /(?i)CP/ WHERE host = 'a' LIMIT 100", null],
  ["SHOW MEASUREMENTS WITH MEASUREMENT = cpu", null],
  ['SHOW RETENTION POLICIES on "db0"', "SHOW RETENTION POLICIES ON db0"],
  ["SHOW TAG VALUES FROM cpu WITH KEY IN (\"host\", region) WHERE x = 'y' LIMIT 3", null],
  ["SHOW TAG VALUES WITH KEY !~ /h.*/", null],
  ["SHOW TAG VALUES WITH KEY != host", null],
  ["SHOW TAG KEYS FROM /c/ SLIMIT 2", null],
  ["SHOW FIELD KEYS FROM a, b", null],
  ["SHOW SERIES EXACT CARDINALITY ON db FROM cpu", null],
  ["SHOW MEASUREMENT CARDINALITY", null],
  ["SHOW TAG VALUES CARDINALITY WITH KEY = host", null],
  ["SHOW FIELD KEY EXACT CARDINALITY", null],
  ["SHOW GRANTS FOR x; SHOW SHARD GROUPS; SHOW STATS FOR 'indexes'; SHOW CONTINUOUS QUERIES", null],
  [
    "CREATE DATABASE a WITH DURATION 2d REPLICATION 1 SHARD DURATION 1h NAME b",
    "CREATE DATABASE a WITH DURATION 48h0m0s REPLICATION 1 SHARD DURATION 1h0m0s NAME b",
  ],
  ["CREATE RETENTION POLICY r ON db0 DURATION INF REPLICATION 1 SHARD DURATION 1d DEFAULT", null],
  ["ALTER RETENTION POLICY r ON db0 DURATION 30w", null],
  ["DROP RETENTION POLICY r ON db0; DROP DATABASE d; DROP MEASUREMENT m; DROP SHARD 3", null],
  ["DELETE FROM cpu WHERE time < '2024-01-01'; DROP SERIES WHERE host = 'a'", null],
  ["DELETE usage_idle, \"usage user\", /^a\\/b/ FROM cpu, /m/ WHERE host = 'a'", null],
  [
    "CREATE CONTINUOUS QUERY q ON d RESAMPLE EVERY 1m FOR 2m BEGIN SELECT mean(a) INTO b FROM c GROUP BY time(1m) END",
    null,
  ],
  ["CREATE SUBSCRIPTION s ON d.r DESTINATIONS ANY 'http://a', 'http://b'; DROP SUBSCRIPTION s ON d.r", null],
  [
    "CREATE USER u WITH PASSWORD 'p' WITH ALL PRIVILEGES",
    "CREATE USER u WITH PASSWORD [REDACTED] WITH ALL PRIVILEGES",
  ],
  [
    "GRANT READ ON d TO u; REVOKE ALL PRIVILEGES FROM u; GRANT ALL ON d TO u",
    "GRANT READ ON d TO u; REVOKE ALL PRIVILEGES FROM u; GRANT ALL PRIVILEGES ON d TO u",
  ],
  [
    "SET PASSWORD FOR u = 'x'; DROP USER u; KILL QUERY 3 ON host",
    "SET PASSWORD FOR u = [REDACTED]; DROP USER u; KILL QUERY 3 ON host",
  ],
  ["", ""],
  [" ; ; ", ""],
];

/** The statements of a text; where names stand in it is another matter. */
function withoutPlaces(text: string): unknown {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, each]) => (name === "place" ? [] : [[name, strip(each)]])),
    );
  };
  return strip(parseQuery(text));
}

test("statements parse, print, and parse to the same again", () => {
  for (const [text, printed] of valid) {
    const once = reprint(text);
    if (printed !== null) expect(once).toBe(printed);
    else
      expect(once.toLowerCase()).toBe(
        text.toLowerCase().replace('("value")', "(value)").replace('("host"', "(host"),
      );
    if (!once.includes("[REDACTED]")) expect(withoutPlaces(once)).toEqual(withoutPlaces(text));
  }
});

const anyStatement = "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL";
const operand = "identifier, string, number, bool";

/** As influxd answers; the first eight are observed on a real one. */
const invalid: readonly (readonly [string, string])[] = [
  ["SELECT", `found EOF, expected ${operand} at line 1, char 8`],
  ["SELEC 1", `found SELEC, expected ${anyStatement} at line 1, char 1`],
  ["SELECT value FROM", "found EOF, expected identifier at line 1, char 19"],
  [
    "SELECT value FROM cpu limit 1; SHOW MEASUREMENTS; BAD",
    `found BAD, expected ${anyStatement} at line 1, char 51`,
  ],
  ["SELECT value FROM cpu limit 1; SELECT x(", `found EOF, expected ${operand} at line 1, char 42`],
  ["SELECT mean(value) FROM cpu WHERE time > now() - 1h GROUP BY time(1q)", "invalid duration"],
  ["SELECT value FROM cpu WHERE host=$h limit 1", "missing parameter: h"],
  [
    "SELECT usage_user FROM /.*/ WHERE host =~ /[/",
    "error parsing regexp: missing closing ]: `[` at line 1, char 42",
  ],
  ["SELECT max(/[/) FROM m", "error parsing regexp: missing closing ]: `[` at line 1, char 11"],
  ["SHOW TAG KEYS FROM /a{1001}/", "error parsing regexp: invalid repeat count: `{1001}` at line 1, char 19"],
  [
    "SELECT f FROM m WHERE t =~ /a(?=b)/",
    "error parsing regexp: invalid or unsupported Perl syntax: `(?=` at line 1, char 27",
  ],
  ["SELECT FROM cpu", `found FROM, expected ${operand} at line 1, char 8`],
  ["SELECT a\nFROM cpu\nWHERE x = = 1", `found =, expected ${operand} at line 3, char 11`],
  ["SELECT a FROM cpu WHERE 'ü' = limit", `found LIMIT, expected ${operand} at line 1, char 31`],
  ["SELECT a FROM cpu SHOW DATABASES", "found SHOW, expected ; at line 1, char 19"],
  [
    "SELECT a, (b) > 5 AND c FROM x",
    "invalid operator AND in SELECT clause at line 1, char 11; operator is intended for WHERE clause",
  ],
  // A string stands where the character before it does: influxd's way of counting.
  ["SELECT a FROM b WHERE c=\n'x' \n'y'", "found y, expected ; at line 2, char 5"],
  ["SELECT a FROM m LIMIT x", "found x, expected integer at line 1, char 23"],
  ["SELECT a FROM m WHERE h =~ 'x'", "found x, expected regex at line 1, char 27"],
  ["SELECT a FROM m ORDER BY value", "only ORDER BY time supported at this time"],
  ["SELECT mean(a) FROM m fill()", "fill requires an argument, e.g.: 0, null, none, previous, linear"],
  ["SELECT mean(a) FROM m fill(x)", "expected number argument in fill()"],
  ["SELECT mean(a) FROM m fill((none))", "expected number argument in fill()"],
  ["SELECT a FROM m tz('Mars/Base')", "unable to find time zone Mars/Base"],
  ["SELECT a FROM b.c.d.e", 'too many segments in "b"."c"."d"."e" at line 1, char 15'],
  [
    "SELECT a::nope FROM m",
    "found nope, expected float, integer, unsigned, string, boolean, field, tag at line 1, char 11",
  ],
  ["SELECT (a FROM m", "found FROM, expected ) at line 1, char 11"],
  ["SELECT a FROM m WHERE b = 'x", `found x, expected ${operand} at line 1, char 26`],
  ["SELECT a FROM m WHERE b = 'x\\q'", `found \\q, expected ${operand} at line 1, char 30`],
  ["SELECT a FROM m WHERE b = 1e999", "unable to parse number at line 1, char 27"],
  ["SELECT 99999999999999999999 FROM m", "unable to parse integer at line 1, char 8"],
  ["SHOW TAG VALUES", "found EOF, expected WITH at line 1, char 17"],
  ["SHOW FIELD", "found EOF, expected KEY, KEYS at line 1, char 12"],
  ["CREATE RETENTION POLICY r ON d DURATION 1h", "found EOF, expected REPLICATION at line 1, char 43"],
  ["DELETE", "found EOF, expected FROM, WHERE at line 1, char 8"],
  ["DELETE 3", "found 3, expected FROM, WHERE at line 1, char 8"],
  ["DELETE a", "found EOF, expected ,, FROM at line 1, char 10"],
  ["DELETE a, FROM m", "found FROM, expected identifier at line 1, char 11"],
  ["DELETE a WHERE time > 3", "found WHERE, expected ,, FROM at line 1, char 10"],
  ["DROP DATABASE 5", "found 5, expected identifier at line 1, char 15"],
];

test("errors say what was found, what was expected, and where", () => {
  for (const [text, message] of invalid) expect(errorOf(text)).toBe(`error parsing query: ${message}`);
  expect(errorOf(`SELECT ${"(".repeat(300)}`)).toContain("nested more than 250 deep");
  expect(errorOf(`SELECT a${"+1".repeat(5000)} FROM m`)).toContain("more than 4000 operators in a row");
});

test("bind parameters are values, whatever they contain", () => {
  const text = 'SELECT a FROM m WHERE h = $h AND v > $"v w" AND w =~ $r LIMIT $n';
  const parameters = parseParameters(
    `{"h": "x' OR 'a' = 'a", "v w": -9007199254740993, "r": {"regex": "^a/b"}, "n": 5, "t": true}`,
  );
  expect(parseQuery(text, parameters).map(printStatement)).toEqual([
    "SELECT a FROM m WHERE h = 'x\\' OR \\'a\\' = \\'a' AND v > -9007199254740993 AND w =~ /^a\\/b/ LIMIT 5",
  ]);
  const rest = parseParameters(`{"f": 1.5, "t": true, "d": {"duration": "1h"}, "i": {"identifier": "a b"}}`);
  expect(parseQuery("SELECT $i FROM m WHERE a = $f AND b = $t AND c > $d", rest).map(printStatement)).toEqual(
    ['SELECT "a b" FROM m WHERE a = 1.5 AND b = true AND c > 1h'],
  );
  expect(errorOf("SELECT a FROM m WHERE b = $toString")).toBe(
    "error parsing query: missing parameter: toString",
  );
  expect(errorOf("SELECT a FROM m LIMIT $n", '{"n": -1}')).toBe(
    "error parsing query: LIMIT must be >= 0 at line 1, char 23",
  );
  expect(() => parseParameters("bad")).toThrow("error parsing query parameters: ");
  expect(() => parseParameters("[1]")).toThrow("expected an object");
  const bound = (h: string) => errorOf("SELECT a FROM m WHERE b = $h", `{"h": ${h}, "unused": null}`);
  for (const [value, reason] of [
    ["null", "unable to bind parameter with type <nil>"],
    ["[1]", "unable to bind parameter with type []interface {}"],
    ["{}", "bound object parameter value must have exactly one entry"],
    ['{"what": 1}', "unknown bind object type: what"],
    ['{"regex": 1}', "regex literal must be a string value"],
    ['{"identifier": 1}', "identifier must be a string value"],
    ['{"duration": true}', "duration literal must be a string or integer value"],
    ['{"integer": 1.5}', "integer literal must be an integer value"],
    ['{"float": "x"}', "number literal must be a float value"],
  ] as const)
    expect(bound(value)).toBe(`error parsing query: missing parameter: ${reason}`);
  expect(bound('{"regex": "["}')).toBe(
    "error parsing query: error parsing regexp: missing closing ]: `[` at line 1, char 27",
  );
  expect(bound("1")).toBe("no error");
});

test("durations of months and years", () => {
  expect(parseCalendarDuration("1y6mo1d")).toEqual({ kind: "duration", ns: 86_400_000_000_000n, months: 18 });
  expect(parseCalendarDuration("1m")).toEqual({ kind: "duration", ns: 60_000_000_000n });
  expect(parseCalendarDuration("293y")).toBeUndefined();
  expect(formatDuration(90n, 18)).toBe("1y6mo90ns");
  expect(formatDuration(-90n, -5)).toBe("-5mo90ns");
});

test("durations", () => {
  expect(parseDuration("1h30m")).toBe(5_400_000_000_000n);
  expect(parseDuration("1w1d1h1m1s1ms1u1ns")).toBe(694_861_001_001_001n);
  for (const text of ["", "1", "h", "1y", "1mo", "2h1mo", "1h x", "9223372036854775808ns"]) {
    expect(parseDuration(text)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (ns) => {
      expect(parseDuration(formatDuration(ns))).toBe(ns);
    }),
  );
});

// ---- properties -------------------------------------------------------------------------------------------

const name = fc.oneof(
  fc.constantFrom("a", "b c", "between", "limit", 'q"\\', "x.y", "fill", "é\n"),
  fc.string({ minLength: 1 }),
);
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      name.map((text): Node => ({ kind: "reference", name: text, cast: null })),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): Node => ({ kind: "number", value })),
      fc
        .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        .map((value): Node => ({ kind: "integer", value })),
      fc
        .bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })
        .map((ns): Node => ({ kind: "duration", ns })),
      fc
        .tuple(fc.integer({ min: 1, max: 3504 }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.boolean())
        .map(([months, ns, negative]): Node => {
          return { kind: "duration", ns: negative ? -ns : ns, months: negative ? -months : months };
        }),
      fc.string().map((value): Node => ({ kind: "string", value })),
      fc.boolean().map((value): Node => ({ kind: "boolean", value })),
    ),
    fc
      .tuple(
        fc.constantFrom("and", "or", "=", "!=", "<", ">=", "+", "-", "*", "/", "%", "&", "|", "^"),
        tie("node"),
        tie("node"),
      )
      .map(([operator, left, right]): Node => ({ kind: "binary", operator, left, right }) as Node),
    fc
      .tuple(tie("node"), fc.constantFrom("=~", "!~"), fc.constantFrom("a/b", "^$", "\\d"))
      .map(
        ([left, operator, pattern]): Node =>
          ({ kind: "binary", operator, left, right: { kind: "regex", pattern } }) as Node,
      ),
    tie("node").map((inner): Node => ({ kind: "paren", inner })),
    fc
      .array(tie("node"), { maxLength: 3 })
      .map((list): Node => ({ kind: "call", name: "f", arguments: list })),
  ),
}));

/** Without parentheses: they may be added by printing, where the tree needs them. */
function bare(tree: Node): Node {
  switch (tree.kind) {
    case "paren":
      return bare(tree.inner);
    case "call":
      return { ...tree, arguments: tree.arguments.map(bare) };
    case "binary":
      return { ...tree, left: bare(tree.left), right: bare(tree.right) };
    case "number": // -0 prints as 0
      return { kind: "number", value: tree.value + 0 };
    default:
      return tree;
  }
}

test("a printed expression parses to the same tree", () => {
  fc.assert(
    fc.property(node, (tree) => {
      const statement = parseQuery(`SELECT a FROM m WHERE ${printNode(tree)}`)[0];
      const parsed = statement?.kind === "select" ? statement.condition : null;
      expect(bare(parsed!)).toEqual(bare(tree));
    }),
    { numRuns: 2000 },
  );
});

const words =
  `SELECT FROM WHERE GROUP BY time ( ) ( ) , , . :: ; * / /a/ // fill null tz ORDER LIMIT SLIMIT INTO AS AND OR
  = != =~ !~ < + - | ^ % & -- /* */ 1 1.5 1h .5 5. 1e9 'a' '2024-01-01' "b" ' " \\ $p $ : mean distinct DISTINCT a b cpu now
  SHOW TAG VALUES WITH KEY IN KEYS FIELD SERIES CARDINALITY EXACT CREATE DATABASE DROP DELETE EXPLAIN ANALYZE ON
  between ts tag field TRUE GRANT REVOKE SET PASSWORD KILL QUERY µ é`.split(/\s+/);

test("no text makes the parser fail otherwise than with an InputError; what parses prints and parses again", () => {
  const soup = fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((list) => list.join(" "));
  const anything = fc.oneof(
    soup,
    soup.map((text) => `SELECT a FROM b ${text}`),
    soup.map((text) => `SELECT ${text} FROM b`),
    fc.string(),
  );
  let parsedCount = 0;
  fc.assert(
    fc.property(anything, (text) => {
      let statements: ReturnType<typeof parseQuery>;
      try {
        statements = parseQuery(text, { p: 5 });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        expect(error.message).toStartWith("error parsing query: ");
        return;
      }
      parsedCount++;
      const printed = statements.map(printStatement).join("; ");
      expect(parseQuery(printed).map(printStatement).join("; ")).toBe(printed);
    }),
    { numRuns: 10_000 },
  );
  expect(parsedCount).toBeGreaterThan(100);
});
