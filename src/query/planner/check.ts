// Rules of SELECT that need no schema: which calls may stand where, with how many arguments, beside what.
// Messages are InfluxDB's, because people search for them.
import { InputError } from "../../base/errors.ts";
import { isMathName, type MathName, operandCount } from "../../model/mathematics.ts";
import type { CallNode, Node, SelectStatement } from "../ast.ts";
import { fixedLength, formatDuration } from "../duration.ts";
import { isTechniqueName } from "../functions/technical-analysis.ts";
import { functionNamed, functions } from "../functions.ts";
import { influxType, printNode } from "../print.ts";
import { checkForecast, isForecastName } from "./forecast.ts";
import { checkTechnique } from "./technique.ts";

/** What the fields of a statement turned out to contain. */
interface Contents {
  calls: number;
  hasBareNames: boolean;
  hasDistinct: boolean;
  onlySelectors: boolean;
  topOrBottom: string | null;
  /** A function of numbers inside of a transformation. */
  unsupported: string | null;
}

/** Windows of the statement itself, or of one around it. */
export type Windows = "own" | "outer" | "none";

/** `fields`: those of the statement without time. `isInside`: it is a subquery, where windows without a value are left out. */
export function checkSelect(
  statement: SelectStatement,
  fields: readonly Node[],
  windows: Windows,
  isInside: boolean,
): void {
  const contents: Contents = {
    calls: 0,
    hasBareNames: false,
    hasDistinct: false,
    onlySelectors: true,
    topOrBottom: null,
    unsupported: null,
  };
  const check = new FieldCheck(contents, statement.limit, windows);
  for (const field of fields) check.field(field, true);

  if (fields.length === 0) throw new InputError("at least 1 non-time field must be queried");
  if (contents.calls > 1 && contents.topOrBottom !== null) {
    throw new InputError(
      `selector function ${contents.topOrBottom}() cannot be combined with other functions`,
    );
  }
  if (contents.calls === 0) {
    const isNull = statement.fill === null || statement.fill.kind === "null";
    const fill = isInside && isNull && windows === "own" ? "none" : statement.fill?.kind;
    if (fill === "none" || fill === "linear") {
      throw new InputError(`fill(${fill}) must be used with a function`);
    }
    if (windows === "own") throw new InputError("GROUP BY requires at least one aggregate function");
  }
  if (contents.hasDistinct && (contents.calls !== 1 || contents.hasBareNames)) {
    throw new InputError("aggregate function distinct() cannot be combined with other functions or fields");
  }
  if (contents.hasBareNames) {
    if (!contents.onlySelectors) {
      throw new InputError("mixing aggregate and non-aggregate queries is not supported");
    }
    if (contents.calls > 1) {
      throw new InputError("mixing multiple selector functions with tags or fields is not supported");
    }
  }
  if (contents.unsupported !== null) throw new InputError(`unsupported call: ${contents.unsupported}`);
}

class FieldCheck {
  readonly #contents: Contents;
  readonly #limit: number;
  readonly #windows: Windows;

  constructor(contents: Contents, limit: number, windows: Windows) {
    this.#contents = contents;
    this.#limit = limit;
    this.#windows = windows;
  }

  /** `alone`: not a side of a binary expression, where wildcards have no meaning. */
  field(node: Node, alone: boolean): void {
    switch (node.kind) {
      case "reference":
        this.#contents.hasBareNames = true;
        return;
      case "wildcard":
      case "regex":
        if (!alone) throw new InputError(`unable to use ${node.kind} in a binary expression`);
        this.#contents.hasBareNames = true;
        return;
      case "distinct":
        this.#distinct(argumentsOf(node), false);
        this.#contents.calls++;
        return;
      case "call":
        this.#call(node, alone);
        return;
      case "paren":
        this.field(node.inner, alone);
        return;
      case "binary":
        this.#binary(node);
        return;
      default:
        throw new InputError("field must contain at least one variable");
    }
  }

  #binary(node: Node & { kind: "binary" }): void {
    if (isConstant(node)) throw new InputError(whyConstant(node));
    const sides = [node.left, node.right];
    // (a regex as a side comes from a bind parameter)
    if (sides.some(isConstant) && sides.some(({ kind }) => kind === "regex"))
      throw new InputError(twoLiterals);
    for (const side of sides)
      if (!isConstant(side)) this.field(side, false);
      else if (literalKind(side) === null) throw new InputError(twoLiterals);
  }

  #call(node: CallNode, alone: boolean): void {
    const called = functionNamed(node.name);
    if (called === undefined) throw new InputError(`undefined function ${node.name}()`);
    const info = functions[called.name];
    if (isMathName(called.name)) {
      this.#math(node, called.name, alone);
      return;
    }
    this.#contents.calls++;
    if (info.kind !== "selector" && !keepsRows.has(called.name)) {
      this.#contents.onlySelectors = false;
    }
    if (called.name === "distinct") this.#distinct(node.arguments, false);
    else if (called.name === "top" || called.name === "bottom") this.#topOrBottom(node);
    else {
      this.#countArguments(node, called.parameter !== null);
      this.#parameter(node);
      if (info.kind === "transformation") this.#transformation(node, alone);
      else {
        const argument = node.arguments[0]!;
        if (called.name === "count" && isDistinct(argument)) this.#distinct(argumentsOf(argument), true);
        else this.#symbol(node.name, argument, alone);
      }
    }
  }

  /** A function of numbers: each operand is what a column may be, the first a wildcard too. */
  #math(node: CallNode, name: MathName, alone: boolean): void {
    checkOperands(node, name);
    const isSenseless = node.arguments.some((each) => isConstant(each) && literalKind(each) === null);
    if (isSenseless) throw new InputError(twoLiterals);
    if (isConstant(node)) throw new InputError(whyConstant(node));
    let isBehindOperator = false;
    for (const operand of node.arguments) {
      if (operand.kind === "regex" || isConstant(operand)) continue;
      // a wildcard is found where it stands as it is, or in calls around it, but not in parentheses, nor behind an operator
      this.field(operand, alone && operand.kind !== "paren" && !isBehindOperator);
      isBehindOperator ||= hasOperator(operand);
    }
  }

  /** Over the points of another call, one a window, or over rows. */
  #transformation(node: CallNode, alone: boolean): void {
    const argument = node.arguments[0]!;
    if (argument.kind === "call" && !isConstant(argument)) {
      if (this.#windows === "none")
        throw new InputError(`${node.name} aggregate requires a GROUP BY interval`);
      this.#nested(argument, alone);
      return;
    }
    if (this.#windows === "own") {
      throw new InputError(`aggregate function required inside the call to ${node.name}`);
    }
    this.#symbol(node.name, argument, alone);
  }

  /** A call in a transformation: like any other, but distinct() may give several points there. */
  #nested(node: CallNode, alone: boolean): void {
    if (node.name === "distinct") this.#distinct(node.arguments, true);
    else if (isMathName(node.name)) {
      this.#math(node, node.name, alone);
      // (said once nothing else is wrong)
      this.#contents.unsupported ??= node.name;
    } else this.#call(node, alone);
  }

  #countArguments(node: CallNode, hasParameterInName: boolean): void {
    const called = functionNamed(node.name)!.name;
    if (isTechniqueName(called)) {
      checkTechnique(node, called);
      return;
    }
    if (isForecastName(called)) {
      checkForecast(node);
      return;
    }
    const parameter = hasParameterInName ? null : functions[called].parameter;
    const got = node.arguments.length;
    const name = node.name;
    if (parameter?.kind === "duration") {
      if (got >= 1 && got <= 2) return;
      throw new InputError(
        `invalid number of arguments for ${name}, expected at least 1 but no more than 2, got ${got}`,
      );
    }
    const expected = parameter === null ? 1 : 2;
    if (got !== expected) {
      throw new InputError(`invalid number of arguments for ${name}, expected ${expected}, got ${got}`);
    }
  }

  #parameter(node: CallNode): void {
    const parameter = functions[functionNamed(node.name)!.name].parameter;
    const argument = node.arguments[1];
    if (parameter === null || argument === undefined) return;
    const { name } = node;
    const written = printNode(argument);
    switch (parameter.kind) {
      case "duration":
        if (argument.kind !== "duration" && name === "integral") {
          throw new InputError("second argument must be a duration");
        }
        if (argument.kind !== "duration") {
          throw new InputError(`second argument to ${name} must be a duration, got ${influxType(argument)}`);
        }
        if (fixedLength(argument) <= 0n) {
          throw new InputError(`duration argument must be positive, got ${formatDuration(argument.ns)}`);
        }
        return;
      case "integer":
        if (name === "sample") {
          if (argument.kind !== "integer") throw new InputError("expected integer argument in sample()");
          if (argument.value <= 0n)
            throw new InputError(`sample window must be greater than 1, got ${written}`);
        }
        if (argument.kind !== "integer") {
          throw new InputError(`second argument for ${name} must be an integer, got ${influxType(argument)}`);
        }
        if (argument.value < BigInt(parameter.minimum)) {
          throw new InputError(
            `${name} window must be greater than ${parameter.minimum - 1}, got ${written}`,
          );
        }
        return;
      case "number":
        if (argument.kind !== "integer" && argument.kind !== "number") {
          throw new InputError(`expected float argument in ${name}()`);
        }
    }
  }

  #symbol(name: string, argument: Node, alone: boolean): void {
    if (argument.kind === "reference") return;
    if (argument.kind === "wildcard" || argument.kind === "regex") {
      if (!alone) {
        const what = argument.kind === "regex" ? "regex field" : "wildcard";
        throw new InputError(`unsupported expression with ${what}: ${name}()`);
      }
      this.#contents.onlySelectors = false;
      return;
    }
    throw new InputError(`expected field argument in ${name}()`);
  }

  #distinct(list: readonly Node[], nested: boolean): void {
    if (list.length === 0) throw new InputError("distinct function requires at least one argument");
    if (list.length > 1) throw new InputError("distinct function can only have one argument");
    if (list[0]!.kind !== "reference") throw new InputError("expected field argument in distinct()");
    if (!nested) this.#contents.hasDistinct = true;
    this.#contents.onlySelectors = false;
  }

  #topOrBottom(node: CallNode): void {
    const { name } = node;
    if (this.#contents.topOrBottom !== null) {
      throw new InputError(
        `selector function ${this.#contents.topOrBottom}() cannot be combined with other functions`,
      );
    }
    const got = node.arguments.length;
    if (got < 2) {
      throw new InputError(`invalid number of arguments for ${name}, expected at least 2, got ${got}`);
    }
    const last = node.arguments.at(-1)!;
    if (last.kind !== "integer") {
      throw new InputError(`expected integer as last argument in ${name}(), found ${printNode(last)}`);
    }
    if (last.value <= 0n)
      throw new InputError(`limit (${last.value}) in ${name} function must be at least 1`);
    if (this.#limit > 0 && last.value > BigInt(this.#limit)) {
      throw new InputError(
        `limit (${last.value}) in ${name} function can not be larger than the LIMIT (${this.#limit}) in the select statement`,
      );
    }
    const first = node.arguments[0]!;
    if (first.kind !== "reference") {
      throw new InputError(`expected first argument to be a field in ${name}(), found ${printNode(first)}`);
    }
    for (const other of node.arguments.slice(1, -1)) {
      if (other.kind !== "reference") {
        throw new InputError(`only fields or tags are allowed in ${name}(), found ${printNode(other)}`);
      }
    }
    this.#contents.topOrBottom = name;
  }
}

/** Functions of several points that leave each its row. */
const keepsRows: ReadonlySet<string> = new Set(["top", "bottom", "sample"]);

/** One that is worked out row by row. */
function hasOperator(node: Node): boolean {
  if (node.kind === "paren") return hasOperator(node.inner);
  return node.kind === "call"
    ? node.arguments.some(hasOperator)
    : node.kind === "binary" && !isConstant(node);
}

type DistinctNode = CallNode | (Node & { kind: "distinct" });

function isDistinct(node: Node): node is DistinctNode {
  return node.kind === "distinct" || (node.kind === "call" && node.name === "distinct");
}

const argumentsOf = (node: DistinctNode): readonly Node[] =>
  node.kind === "call" ? node.arguments : [{ kind: "reference", name: node.name, cast: null }];

/** Throws unless the call has as many arguments as the function takes. */
export function checkOperands({ arguments: { length } }: CallNode, name: MathName): void {
  const count = operandCount(name);
  if (length === count) return;
  throw new InputError(`invalid number of arguments for ${name}, expected ${count}, got ${length}`);
}

const twoLiterals = "cannot perform a binary expression on two literals";

/** What is wrong with a column without a name: InfluxDB works out what it can, and refuses operators over two literals first. */
function whyConstant(node: Node): string {
  return literalKind(node) === null ? twoLiterals : "field must contain at least one variable";
}

/** What a constant comes to; null: nothing that InfluxDB works out. */
export function literalKind(
  node: Node,
): "number" | "integer" | "duration" | "string" | "boolean" | "regex" | "nothing" | null {
  switch (node.kind) {
    case "paren":
      return literalKind(node.inner);
    case "integer":
    case "duration":
    case "string":
    case "boolean":
    case "regex":
      return node.kind;
    case "binary": {
      const [left, right] = [literalKind(node.left), literalKind(node.right)];
      const isNumber = (kind: typeof left) => kind === "number" || kind === "integer";
      if (isNumber(left) && isNumber(right)) {
        const isInteger = left === "integer" && right === "integer";
        if (/^[&|^]$/.test(node.operator)) return isInteger ? left : null;
        return isInteger && node.operator !== "/" ? left : "number";
      }
      if (left === "duration" && isNumber(right)) return /^[*/]$/.test(node.operator) ? left : null;
      if (left === "integer" && right === "duration") return /^[-+]$/.test(node.operator) ? left : null;
      // (compared with nothing: false, whatever the operator; texts are not)
      if (right === "nothing" && left !== null && !/^(?:regex|nothing|string)$/.test(left)) return "boolean";
      if (left !== right || left === "regex" || left === "nothing") return null;
      if (left === "boolean") return /^[&|^]$/.test(node.operator) ? left : null;
      if (left === "duration") return /^[-+]$/.test(node.operator) ? left : null;
      return left === "string" && node.operator !== "+" ? null : left;
    }
    case "call":
      return kindOfMath(node.arguments.map(literalKind));
    default:
      return "number";
  }
}

/** Of what is no number a function of numbers makes nothing. */
function kindOfMath(operands: readonly ReturnType<typeof literalKind>[]): ReturnType<typeof literalKind> {
  if (operands.includes(null)) return null;
  return operands.every((kind) => kind === "number" || kind === "integer") ? "number" : "nothing";
}

/** No names in it, and no calls but those of functions of numbers. */
export function isConstant(node: Node): boolean {
  switch (node.kind) {
    case "binary":
      return isConstant(node.left) && isConstant(node.right);
    case "paren":
      return isConstant(node.inner);
    case "call":
      return (
        isMathName(node.name) &&
        node.arguments.length === operandCount(node.name) &&
        node.arguments.every((each) => each.kind === "regex" || isConstant(each))
      );
    case "number":
    case "integer":
    case "unsigned":
    case "string":
    case "boolean":
    case "duration":
      return true;
    default:
      return false;
  }
}
