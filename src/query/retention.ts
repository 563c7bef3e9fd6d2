// Statements about retention policies and shards, executed; shapes are InfluxDB's.
import type { RetentionAdministration, Shard } from "../model/retention.ts";
import { formatInstant } from "../model/timetext.ts";
import type { RetentionOperation } from "./operation-plan.ts";
import type { ResultSeries } from "./result.ts";

export async function executeRetention(
  operation: RetentionOperation,
  retention: RetentionAdministration,
): Promise<readonly ResultSeries[]> {
  switch (operation.kind) {
    case "create database with":
      await retention.createDatabase(operation.database, operation.change.name, operation.change);
      return [];
    case "create retention policy":
      await retention.createPolicy(operation.database, operation.name, operation.change);
      return [];
    case "alter retention policy":
      await retention.alterPolicy(operation.database, operation.name, operation.change);
      return [];
    case "drop retention policy":
      await retention.dropPolicy(operation.database, operation.name);
      return [];
    case "show shards":
      return shardsByDatabase(await retention.shards());
    case "show shard groups":
      return [shardGroups(await retention.shards())];
    case "drop shard":
      await retention.dropShard(operation.id);
      return [];
  }
}

/** A shard is a group of its own: one node has all of it. */
function shardsByDatabase(shards: readonly Shard[]): ResultSeries[] {
  const columns = ["id", "database", "retention_policy", "shard_group"];
  return [...Map.groupBy(shards, ({ database }) => database)].map(([name, own]) => ({
    name,
    columns: [...columns, "start_time", "end_time", "expiry_time", "owners"],
    timeColumn: -1,
    rows: own.map((shard) => [
      ...[shard.id, shard.database, shard.retentionPolicy, shard.id, ...timesOf(shard), ""],
    ]),
  }));
}

function shardGroups(shards: readonly Shard[]): ResultSeries {
  const columns = ["id", "database", "retention_policy", "start_time", "end_time", "expiry_time"];
  const rows = shards.map((shard) => [shard.id, shard.database, shard.retentionPolicy, ...timesOf(shard)]);
  return { name: "shard groups", columns, timeColumn: -1, rows };
}

/** InfluxDB has the end as the expiry of what never expires. */
function timesOf({ startNs, endNs, expiryNs }: Shard): string[] {
  return [startNs, endNs, expiryNs ?? endNs].map(formatInstant);
}
