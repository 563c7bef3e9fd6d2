// Statements about the running database to their plans; null: the statement is of another kind.
import type { Statement } from "../ast.ts";
import type { Operation, OperationPlan } from "../operation-plan.ts";

export function planOperation(statement: Statement): OperationPlan | null {
  const operation = operationOf(statement);
  return operation === null ? null : { kind: "operation", operation };
}

function operationOf(statement: Statement): Operation | null {
  switch (statement.kind) {
    case "show":
      return statement.subject === "queries" ? { kind: "show queries" } : null;
    case "kill query":
      // one node has all queries: the host that InfluxDB's users name is this one
      return { kind: "kill query", id: statement.id };
    default:
      return null;
  }
}
