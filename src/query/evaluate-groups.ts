// The values of calls over the stored rows of many groups, in steps: those of one group may be all rows there are.
import { fieldOf, isSameField, isSketched } from "./calls.ts";
import { type BaseCall, evaluatePoints, type Means, type Values } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import type { RowGroup } from "./gather.ts";
import type { Call, Input, RowValue, SelectPlan } from "./plan.ts";
import { collectPoints, type Points } from "./points.ts";
import { isSteps, type Steps } from "./turn.ts";

/** What is done with the values of a group; `base` gives those of its calls of fields. */
export type Visit = (tags: readonly string[], base: BaseCall) => void;

/** `calls`: those of fields whose values are wanted. */
export function* evaluateGroups(
  plan: SelectPlan,
  input: Input,
  calls: readonly Call[],
  groups: readonly RowGroup[],
  frame: Frame,
  means: Means,
  evaluate: Visit,
): Steps<void> {
  for (const { tags, series } of groups) {
    yield;
    const values = new Map<Call, Values>();
    // calls of one field share its points
    const points = new Map<RowValue, Points>();
    for (const call of calls) {
      if (isSketched(call)) continue;
      const field = fieldOf(call);
      const key = [...points.keys()].find((other) => isSameField(other, field)) ?? field;
      let known = points.get(key);
      if (known === undefined) {
        const collected = collectPoints(series, input.fields.indexOf(field.reference.name), field);
        known = isSteps<Points>(collected) ? yield* collected : collected;
        points.set(key, known);
      }
      const evaluated = evaluatePoints(plan, input, call, known, frame, means);
      values.set(call, isSteps<Values>(evaluated) ? yield* evaluated : evaluated);
    }
    evaluate(tags, (call) => values.get(call)!);
  }
}
