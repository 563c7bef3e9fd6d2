// No word of serie's own is reserved: what InfluxDB takes as a name stays one. Each statement means with such a word in it what it
// means with any other.
import { describe, expect, test } from "bun:test";
import { systemClock } from "../src/base/clock.ts";
import { functions } from "../src/query/functions.ts";
import { isKeyword } from "../src/query/parse/lexer.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import { printStatement } from "../src/query/print.ts";
import { runQuery } from "../src/query/session.ts";
import { resultJson } from "./oracle/json.ts";
import { writeLines } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";

const words = [
  ..."having join inner left right full outer using status token tokens between mo y ts avg range median90".split(
    " ",
  ),
  ..."percentile90 fill previous linear none null tz now unsigned integer float string boolean ns u us ms s m h d w".split(
    " ",
  ),
  ...Object.keys(functions),
].filter((word) => !isKeyword(word));
/** A name that nothing knows. */
const PLAIN = "plain";

/** @ stands for the word. */
const asked = `
SELECT @ FROM @
SELECT @ AS @ FROM @
SELECT zz AS @ FROM G
SELECT @::field, zone::tag FROM @
SELECT mean(@) FROM @ GROUP BY zone
SELECT mean(@) AS @ FROM @ WHERE time >= 0 AND time < 4s GROUP BY time(1s) fill(previous)
SELECT @ FROM @ WHERE @ > 1
SELECT @ FROM @ WHERE 1 < @ AND zone = 'b' ORDER BY time DESC LIMIT 1
SELECT @ + @, @ - 1, -@, @ * @ FROM @
SELECT @ FROM (SELECT max(@) AS @ FROM @)
SELECT @ FROM (SELECT @ FROM @) WHERE @ > 1
SELECT @ FROM db..@, autogen.@, db.autogen.@
SELECT @.@ FROM @
SELECT top(@, zone, 2) FROM @
SELECT distinct @ FROM @
SELECT count(distinct @) FROM @
SELECT * FROM @
SELECT /@/ FROM /^@$/
SELECT zz FROM G WHERE @ = 'a'
SELECT zz FROM G WHERE @ =~ /b/ AND time > 0
SELECT zz, @ FROM G
SELECT sum(zz) FROM G GROUP BY @
SELECT sum(zz) FROM G GROUP BY @::tag
SELECT zz FROM (SELECT zz FROM G GROUP BY @) WHERE @ = 'a'
SELECT zz FROM (SELECT zz, @ FROM G) WHERE @ = 'a'
SELECT zz FROM G, @ WHERE @ = 'a'
SELECT @.@, G.zz FROM @ JOIN G USING (time)
SELECT b.@ FROM @ AS @ LEFT JOIN @ AS b USING (time, zone)
SELECT max(@) AS @ FROM @ GROUP BY zone HAVING @ > 1
SELECT @ FROM @ WHERE @ BETWEEN 2 AND 4
SHOW MEASUREMENTS WITH MEASUREMENT = @
SHOW MEASUREMENTS WHERE @ = 'a'
SHOW SERIES FROM @
SHOW SERIES FROM G WHERE @ = 'a'
SHOW TAG KEYS FROM G WHERE @ = 'a'
SHOW TAG VALUES FROM G WITH KEY = @ WHERE @ != 'a'
SHOW TAG VALUES WITH KEY IN (@, zone)
SHOW FIELD KEYS FROM @
SHOW SERIES EXACT CARDINALITY FROM G WHERE @ = 'a' GROUP BY @
SHOW MEASUREMENT EXACT CARDINALITY FROM @
EXPLAIN SELECT @ FROM @ WHERE @ > 1
DELETE FROM G WHERE @ = 'a'; SELECT * FROM G
DROP SERIES FROM G WHERE @ = 'b'; SELECT * FROM G
DROP MEASUREMENT @; SELECT * FROM @`
  .trim()
  .split("\n");

const administered = `
CREATE DATABASE @ WITH DURATION 1d REPLICATION 1 SHARD DURATION 1h NAME @
DROP DATABASE @
SHOW RETENTION POLICIES ON @
CREATE RETENTION POLICY @ ON @ DURATION 1d REPLICATION 1
ALTER RETENTION POLICY @ ON @ DURATION 2d DEFAULT
DROP RETENTION POLICY @ ON @
CREATE CONTINUOUS QUERY @ ON @ BEGIN SELECT mean(@) AS @ INTO @ FROM @ GROUP BY time(1h), @ END
DROP CONTINUOUS QUERY @ ON @
CREATE SUBSCRIPTION @ ON @.@ DESTINATIONS ALL 'udp://127.0.0.1:9'
DROP SUBSCRIPTION @ ON @.@
CREATE USER @ WITH PASSWORD 'abc' WITH ALL PRIVILEGES
DROP USER @
SET PASSWORD FOR @ = 'abc'
GRANT READ ON @ TO @
GRANT ALL TO @
REVOKE ALL PRIVILEGES FROM @
SHOW GRANTS FOR @
CREATE TOKEN FOR @
KILL QUERY 1 ON @
SHOW SERIES ON @
SELECT @ INTO @.@.@ FROM @.@.@ GROUP BY @
SELECT @ INTO @.@.:MEASUREMENT FROM /@/`
  .trim()
  .split("\n");

async function answer(word: string, text: string): Promise<string> {
  const oracle = new Oracle();
  oracle.createDatabase("db");
  writeLines(
    oracle,
    "db",
    `${word},zone=a ${word}=1 1000000000\n${word},zone=b ${word}=3 2000000000\nG,${word}=a zz=1 1000000000\nG,${word}=b zz=3 2000000000`,
  );
  const session = { source: oracle, administration: oracle, clock: systemClock, database: "db" };
  const lines: string[] = [];
  for await (const result of runQuery(text.replaceAll("@", word), session))
    lines.push(await resultJson(result, "ns"));
  return lines.join("\n");
}

const asPlain = (text: string, word: string): string =>
  text.replace(new RegExp(`(?<![A-Za-z0-9])${word}(?![A-Za-z0-9(])`, "g"), PLAIN);

describe.each(words)("%s is a name", (word) => {
  test("of measurements, fields, tags and columns", async () => {
    for (const text of asked)
      expect(`${text}\n${asPlain(await answer(word, text), word)}`).toBe(
        `${text}\n${asPlain(await answer(PLAIN, text), word)}`,
      );
  });

  test("of databases, policies, users and the rest", () => {
    for (const text of administered) {
      const [statement] = parseQuery(text.replaceAll("@", word));
      const [plain] = parseQuery(text.replaceAll("@", PLAIN));
      expect(asPlain(printStatement(statement!), word)).toBe(asPlain(printStatement(plain!), word));
    }
  });
});

test("the statements have answers", async () => {
  // (of those that select nothing: a field that is not there)
  const empty: string[] = [];
  for (const text of asked) if (!(await answer(PLAIN, text)).includes("series")) empty.push(text);
  expect(empty).toEqual(["SELECT @.@ FROM @", "DROP MEASUREMENT @; SELECT * FROM @"]);
});
