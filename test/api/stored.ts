// What queries are asked of in both servers: a measurement of each kind, and values of every type.
import type { Servers } from "../clients/servers.ts";
import { form, prepare, type Request, url } from "./exchange.ts";

/** Values where formats have their edges. */
const integers = [
  "0",
  "-1",
  "127",
  "128",
  "-129",
  "65536",
  "2147483648",
  "-2147483649",
  "4294967295",
  "4294967296",
]
  .concat(["-4294967297", "123456789012", "9007199254740991", "9007199254740993", "9223372036854775807"])
  .concat(["-9223372036854775808"]);
const floats = [
  "3",
  "-0",
  "0.1",
  "5e-324",
  "1e21",
  "1e-7",
  "123456789012345680000",
  "1.7976931348623157e308",
];
const texts = ["", "a,b", '\\"', "line\nbreak", "é漢😀", " x", "\t\u0001", "back\\\\", "\u2028"];
const typesOf = Array.from({ length: 48 }, (_, k) => {
  const fields = [`i=${integers[k % integers.length]}i`, `b=${k % 2 === 0}`];
  if (k % 3 !== 1) fields.push(`f=${floats[k % floats.length]}`);
  if (k % 4 !== 1) fields.push(`s="${texts[k % texts.length]}"`);
  return `types,t=${["x", "y\\ z", "a\\,b"][k % 3]} ${fields} ${k}`;
});

/** A statement that all formats can show. */
export const some = "SELECT value FROM cpu LIMIT 3";
export const get = (parameters: Record<string, string>, headers: Record<string, string> = {}): Request => ({
  path: url("/query", { db: "d", ...parameters }),
  headers,
});
export async function prepareStored(running: Servers): Promise<void> {
  const row = (i: number) =>
    `cpu,host=${"ab"[i % 2]} value=${i}.5,n=${i}i,s="x${i},\\"q",b=${i % 2 === 0} ${1_700_000_000_000_000_000n + BigInt(i) * 1_000_000_001n}`;
  await prepare(running, [
    form({
      q: "CREATE DATABASE a; CREATE DATABASE d; CREATE RETENTION POLICY day ON d DURATION 1d REPLICATION 1",
    }),
    { method: "POST", path: "/write?db=d", body: Array.from({ length: 25 }, (_, i) => row(i)).join("\n") },
    { method: "POST", path: "/write?db=d", body: "mem,host=a free=1i 1700000000000000000" },
    form({ q: "CREATE DATABASE types" }),
    { method: "POST", path: "/write?db=types", body: typesOf.join("\n") },
  ]);
}
