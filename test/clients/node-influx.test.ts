// The npm client `influx` (node-influx) as its users use it: everything it can ask is answered as influxd answers.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { escape as escaped, FieldType, InfluxDB, toNanoDate } from "influx";
import { type Servers, sameOnBoth, startServers } from "./servers.ts";

let servers: Servers;
let withUsers: Servers;
beforeAll(async () => {
  [servers, withUsers] = await Promise.all([startServers(), startServers({ authEnabled: true })]);
});
afterAll(async () => {
  await Promise.all([servers.stop(), withUsers.stop()]);
});

const schema = [
  {
    measurement: "cpu",
    tags: ["host", "region"],
    fields: {
      usage: FieldType.FLOAT,
      cores: FieldType.INTEGER,
      name: FieldType.STRING,
      on: FieldType.BOOLEAN,
    },
  },
];
const client = (url: string, more: object = {}) =>
  new InfluxDB({
    host: new URL(url).hostname,
    port: Number(new URL(url).port),
    database: "shop",
    schema,
    ...more,
  });

/** Results as plain data: rows, with times as ns, and groups. */
const plain = (results: unknown) =>
  JSON.parse(
    JSON.stringify(results, (_, value) =>
      value && typeof value === "object" && "getNanoTime" in value ? value.getNanoTime() : value,
    ),
  );
const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: Error) => error.message,
  );

test("databases, points of every type, queries", async () => {
  const seen = await sameOnBoth(servers, async (url) => {
    const influx = client(url);
    const out: unknown[] = [];
    const [ping] = await influx.ping(2000);
    out.push(ping!.online, ping!.rtt >= 0, (ping!.version ?? "") !== "");
    await influx.createDatabase("shop");
    await influx.createDatabase('it\'s "quoted"');
    out.push((await influx.getDatabaseNames()).filter((name) => name !== "_internal"));
    await influx.writePoints(
      [
        {
          measurement: "cpu",
          tags: { host: "a b", region: "eu,west=1" },
          fields: { usage: 1.5, cores: 8, name: 'say "hi" \\ there', on: true },
          timestamp: new Date(1_700_000_000_123),
        },
        {
          measurement: "cpu",
          tags: { host: "b", region: "us" },
          fields: { usage: -2, cores: -1, name: "ü", on: false },
          timestamp: new Date(1_700_000_060_000),
        },
      ],
      { precision: "ms" },
    );
    await influx.writeMeasurement(
      "cpu",
      [{ tags: { host: "b" }, fields: { usage: 3 }, timestamp: 1_700_000_120 }],
      {
        precision: "s",
      },
    );
    out.push(plain(await influx.query("select * from cpu")));
    out.push(plain(await influx.query("select mean(usage) from cpu group by host", { precision: "ms" })));
    const results = await influx.query<{ mean: number }>("select mean(usage) from cpu group by host");
    out.push(plain(results.groups()), plain(results.group({ host: "b" })));
    out.push(plain(await influx.query(["select count(usage) from cpu", "select max(cores) from cpu"])));
    out.push(
      plain(
        await influx.query("select usage from cpu where host = $host and usage > $least", {
          placeholders: { host: "b", least: 0 },
        }),
      ),
    );
    out.push(await influx.queryRaw("select cores from cpu", { precision: "s" }));
    out.push(await refused(influx.query("select mean(usage from cpu")));
    out.push(await refused(influx.query("select usage from cpu", { database: "nowhere" })));
    out.push(
      await refused(influx.writePoints([{ measurement: "cpu", fields: { usage: 1 } }], { database: "shop" })),
    );
    return out;
  });
  expect(seen.at(-1)).toBe("done");
  expect(JSON.stringify(seen)).toContain('say \\\\\\"hi\\\\\\"'.replaceAll("\\\\\\", "\\"));
});

test("measurements, series, retention policies, continuous queries, drops", async () => {
  await sameOnBoth(servers, async (url) => {
    const influx = client(url, { database: "house" });
    const out: unknown[] = [];
    await influx.createDatabase("house");
    const points = ["kitchen", "hall"].flatMap((room) =>
      [1, 2, 3].map((minute) => ({
        ...{ measurement: "climate", tags: { room }, fields: { temperature: minute * 1.5 } },
        timestamp: new Date(1_700_000_000_000 + minute * 60_000),
      })),
    );
    await influx.writePoints(points);
    out.push(await influx.getMeasurements(), await influx.getSeries());
    out.push(await influx.getSeries({ measurement: "climate", database: "house" }));
    await influx.createRetentionPolicy("year", { duration: "365d", replication: 1, database: "house" });
    await influx.alterRetentionPolicy("year", {
      duration: "52w",
      replication: 1,
      isDefault: false,
      database: "house",
    });
    out.push(plain(await influx.showRetentionPolicies("house")));
    await influx.createContinuousQuery(
      "down",
      "SELECT mean(temperature) AS mean INTO house.year.climate_1h FROM climate GROUP BY time(1h), *",
      "house",
      "RESAMPLE FOR 2h",
    );
    out.push(plain(await influx.showContinousQueries("house")));
    await influx.dropContinuousQuery("down", "house");
    out.push(plain(await influx.showContinousQueries("house")));
    await influx.writePoints([{ measurement: "kept", fields: { v: 1 } }], { retentionPolicy: "year" });
    out.push(plain(await influx.query("select v from kept", { retentionPolicy: "year" })).length);
    await influx.dropSeries({ measurement: "climate", where: "room = 'hall'", database: "house" });
    out.push(await influx.getSeries({ measurement: "climate", database: "house" }));
    await influx.dropMeasurement("climate", "house");
    out.push((await influx.getMeasurements("house")).filter((name) => name !== "kept"));
    await influx.dropRetentionPolicy("year", "house");
    out.push(plain(await influx.showRetentionPolicies("house")).length);
    await influx.dropDatabase("house");
    out.push((await influx.getDatabaseNames()).includes("house"));
    return out;
  });
});

test("nanoseconds, shards, several statements, and a host that is gone", async () => {
  await sameOnBoth(servers, async (url) => {
    const here = { host: new URL(url).hostname, port: Number(new URL(url).port) };
    const influx = new InfluxDB({ ...here, database: "shards" });
    const out: unknown[] = [];
    await influx.createDatabase("shards");
    await influx.createRetentionPolicy("long", { duration: "520w", replication: 1, isDefault: true });
    const at = (v: number, time: string) => ({
      ...{ measurement: "m", fields: { v }, timestamp: toNanoDate(time) },
    });
    await influx.writePoints([at(1, "1700000000123456789"), at(2, "1710000000000000001")]);
    out.push(plain(await influx.query("select * from m")));
    out.push(
      plain(
        await influx.query([
          `select * from m where time >= ${escaped.stringLit("2024-03-09T16:00:00Z")}`,
          "select mean(v) from m group by time(1d) fill(none)",
        ]),
      ),
    );
    out.push(await influx.queryRaw(["show tag keys", "show measurements", "select v from m"]));
    const shards = await influx.showShards("shards");
    // (their numbers, and where a week begins, are each server's own)
    out.push(shards.map(({ database, retention_policy }) => ({ database, retention_policy })));
    const first = shards.toSorted((a, b) => a.start_time.localeCompare(b.start_time))[0]!;
    await influx.dropShard(first.id);
    out.push((await influx.showShards("shards")).length, plain(await influx.query("select * from m")));

    const gone = { host: here.host, port: 1 };
    const either = new InfluxDB({ database: "shards", hosts: [gone, here], pool: { maxRetries: 2 } });
    for (let i = 0; i < 4; i++) out.push(plain(await either.query("select count(v) from m")));
    out.push((await either.ping(2000)).map(({ online }) => online).sort());
    return out;
  });
});

test("users and privileges, with authentication", async () => {
  await sameOnBoth(withUsers, async (url) => {
    const out: unknown[] = [];
    const nobody = client(url, { database: "d" });
    out.push(await refused(nobody.createUser("root", "secret", true)));
    const root = client(url, { database: "d", username: "root", password: "secret" });
    await root.createDatabase("d");
    await root.createUser("ann", "it's");
    out.push(plain(await root.getUsers()));
    const ann = client(url, { database: "d", username: "ann", password: "it's" });
    const point = { measurement: "m", fields: { v: 1 }, timestamp: new Date(1000) };
    out.push(await refused(ann.writePoints([point])), await refused(ann.query("select * from m")));
    await root.grantPrivilege("ann", "WRITE", "d");
    out.push(await refused(ann.writePoints([point])), await refused(ann.query("select * from m")));
    await root.revokePrivilege("ann", "WRITE", "d");
    await root.grantPrivilege("ann", "READ", "d");
    out.push(await refused(ann.writePoints([point])), plain(await ann.query("select * from m")));
    await root.setPassword("ann", "new");
    out.push(await refused(ann.query("select * from m")));
    await root.grantAdminPrivilege("ann");
    await root.revokeAdminPrivilege("ann");
    await root.dropUser("ann");
    out.push(plain(await root.getUsers()));
    out.push(await refused(nobody.query("select * from m")));
    return out;
  });
});
