// Statements about the running database to their plans; null: the statement is of another kind.
import type { Statement, SubscriptionStatement } from "../ast.ts";
import type { Operation, OperationPlan } from "../operation-plan.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { planContinuousQuery } from "./continuous.ts";
import { planDeletion } from "./deletion.ts";

export async function planOperation(
  statement: Statement,
  context: PlanContext,
): Promise<OperationPlan | null> {
  const operation = await operationOf(statement, context);
  return operation === null ? null : { kind: "operation", operation };
}

async function operationOf(statement: Statement, context: PlanContext): Promise<Operation | null> {
  switch (statement.kind) {
    case "show":
      if (statement.subject === "queries") return { kind: "show queries" };
      if (statement.subject === "continuous queries")
        return { kind: "show continuous queries", status: statement.of !== "" };
      if (statement.subject === "stats" || statement.subject === "diagnostics")
        return { kind: `show ${statement.subject}`, of: statement.of };
      if (statement.subject === "subscriptions") return { kind: "show subscriptions" };
      if (statement.subject === "users" || statement.subject === "tokens")
        return { kind: "access", statement: { kind: `show ${statement.subject}` } };
      if (statement.subject === "grants")
        return { kind: "access", statement: { kind: "show grants", user: statement.of } };
      if (statement.subject === "shards") return { kind: "show shards" };
      return statement.subject === "shard groups" ? { kind: "show shard groups" } : null;
    case "create database":
      if (statement.policy === null) return null;
      return { kind: "create database with", database: statement.database, change: statement.policy };
    case "create retention policy":
    case "alter retention policy": {
      const { kind, database, policy } = statement;
      return { kind, database, name: policy.name, change: policy };
    }
    case "drop retention policy":
      return { kind: statement.kind, database: statement.database, name: statement.name };
    case "drop shard":
      return { kind: statement.kind, id: statement.id };
    case "delete":
    case "drop series":
      return { kind: "delete", requests: await planDeletion(statement, context) };
    case "create continuous query":
      return planContinuousQuery(statement, context);
    case "drop continuous query":
      return { kind: statement.kind, database: statement.database, name: statement.name };
    case "create user":
    case "drop user":
    case "set password":
    case "grant":
    case "revoke":
    case "create token":
    case "drop token":
      return { kind: "access", statement };
    case "kill query":
      // one node has all queries: the host that InfluxDB's users name is this one
      return { kind: "kill query", id: statement.id };
    case "create subscription": {
      const { name, mode, destinations } = statement;
      return {
        kind: statement.kind,
        subscription: { ...policyOf(statement, context), name, mode, destinations },
      };
    }
    case "drop subscription":
      return { kind: statement.kind, ...policyOf(statement, context), name: statement.name };
    default:
      return null;
  }
}

function policyOf(statement: SubscriptionStatement, context: PlanContext) {
  const database = resolveDatabase(context, statement.database);
  return { database, retentionPolicy: resolvePolicy(context, database, statement.retentionPolicy) };
}
