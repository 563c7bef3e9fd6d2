// The columns of one input: expressions over its rows and calls, every name resolved and every type known.
import { assert } from "../../base/assert.ts";
import { InputError } from "../../base/errors.ts";
import { typeOfBinary } from "../../model/evaluate.ts";
import type { Reference } from "../../model/expression.ts";
import { isMathName, keepsType, type MathName } from "../../model/mathematics.ts";
import { FieldType, fieldTypeNames } from "../../model/types.ts";
import type { BinaryNode, CallNode, CastType, Node, ReferenceNode } from "../ast.ts";
import { fixedLength } from "../duration.ts";
import { isTechniqueName } from "../functions/technical-analysis.ts";
import { type FunctionInfo, functionNamed, functions } from "../functions.ts";
import type { Call, Output, RowValue, Window } from "../plan.ts";
import { printNode } from "../print.ts";
import { isForecastName, planForecast } from "./forecast.ts";
import { castTypes, isDerived, resolve, type Schema } from "./schema.ts";
import { planTechnique } from "./technique.ts";

export const ABSENT: Output = { kind: "absent", type: null };

const absent = (given: FieldType | null): Output => (given === null ? ABSENT : { ...ABSENT, given });

/** The type of an output's values, also of one that has none because a name in it is unknown; null: nothing says it. */
export function givenType(output: Output): FieldType | null {
  if (output.type !== null) return output.type;
  switch (output.kind) {
    case "absent":
      return output.given ?? null;
    case "binary":
      return givenByOperands(output.left, output.right);
    default:
      return givenByMath(output.function, output.operands);
  }
}

function givenByOperands(...operands: readonly [Output, Output]): FieldType | null {
  const [left, right] = operands.map(givenType);
  return right === FieldType.Float ? right : (left ?? right ?? null);
}

/** The first operand decides: what is no number stays that, as in InfluxDB. */
function givenByMath(name: MathName, [first]: readonly Output[]): FieldType | null {
  const given = first === undefined ? null : givenType(first);
  const isKept = keepsType(name) || given === FieldType.String || given === FieldType.Boolean;
  return given === null || isKept ? given : FieldType.Float;
}

export class OutputBuilder {
  readonly calls: Call[] = [];
  /** Texts of the calls with the types of their names: those of unknown fields too, equal ones once. */
  readonly callsWritten = new Set<string>();
  readonly #schema: Schema;
  readonly #all: Schema;
  readonly #window: Window | null;
  /** Of the statement around a subquery: derivatives of rows are per so much, as in InfluxDB. */
  readonly #around: Window | null;
  readonly #known = new Map<string, number>();
  readonly #fields = new Set<string>();

  /** `all`: the names of every source of the statement, whose type of a field decides what is read of it. */
  constructor(
    schema: Schema,
    { window, around }: { readonly window: Window | null; readonly around: Window | null },
    all: Schema = schema,
  ) {
    this.#all = all;
    this.#schema = schema;
    this.#window = window;
    this.#around = around;
  }

  /** Fields that the outputs so far read, sorted. */
  get fields(): string[] {
    return [...this.#fields].sort();
  }

  /** A name over a subquery that stands alone is what it is there, also where it is a number, or a text, in a source beside it. */
  column(node: Node): Output {
    if (node.kind === "paren") return this.column(node.inner);
    const output = this.#build(node);
    const isOwn = output.kind === "absent" && node.kind === "reference" && isDerived(this.#schema);
    return isOwn && (node.cast === null || node.cast === "field")
      ? (this.#row(node, this.#schema) ?? output)
      : output;
  }

  #build(node: Node): Output {
    switch (node.kind) {
      case "paren":
        return this.#build(node.inner);
      case "number":
        return { kind: "literal", type: FieldType.Float, value: node.value };
      case "integer":
        return { kind: "literal", type: FieldType.Integer, value: node.value };
      case "duration":
        return ABSENT; // no number: influxd answers null
      case "unsigned":
        return { kind: "literal", type: FieldType.Unsigned, value: node.value };
      case "string":
        return { kind: "literal", type: FieldType.String, value: node.value };
      case "boolean":
        return { kind: "literal", type: FieldType.Boolean, value: node.value };
      case "reference":
        return this.#row(node) ?? absent(castTypes[node.cast ?? "field"] ?? null);
      case "distinct":
      case "call": {
        if (node.kind === "call" && isMathName(node.name)) return this.#math(node.name, node);
        this.callsWritten.add(printNode(this.#typed(node)));
        const call = this.#call(asCall(node));
        if (call === null) return absent(this.#typeOfCall(node));
        return { kind: "call", call, type: this.calls[call]!.type };
      }
      case "binary":
        return this.#binary(node);
      default:
        throw new InputError("field must contain at least one variable");
    }
  }

  #binary(node: BinaryNode): Output {
    const left = this.#build(node.left);
    const right = this.#build(node.right);
    if (left.kind === "absent" && right.kind === "absent") return absent(givenByOperands(left, right));
    const operator = node.operator as BinaryOutput["operator"];
    if (left.type === null || right.type === null)
      return { kind: "binary", operator, left, right, type: null };
    const type = typeOfOutput(operator, left.type, right.type);
    if (type !== null) return { kind: "binary", operator, left, right, type };
    const written = [this.#asWritten(node.left, left), this.#asWritten(node.right, right)] as const;
    // of the quotient of integers InfluxDB has no bits: null
    if (typeWritten(operator, ...written) !== null)
      return { kind: "binary", operator, left, right, type: null };
    throw this.#typeError(
      node,
      [left, right].map((side, index) => (isTag(side) ? "tag" : fieldTypeNames[written[index]!])),
    );
  }

  /** The quotient of integers counts as an integer. */
  #asWritten(node: Node, { type }: Output): FieldType {
    return type === FieldType.Float && this.#typeWritten(node) === FieldType.Integer
      ? FieldType.Integer
      : type!;
  }

  /** Throws when operators in a column do not fit their operands, which InfluxDB says before anything else about columns. */
  checkTypes(node: Node): void {
    switch (node.kind) {
      case "paren":
        this.checkTypes(node.inner);
        break;
      case "call":
        for (const argument of node.arguments) this.checkTypes(argument);
        break;
      case "binary":
        this.#typeOfBinary(node);
        break;
    }
  }

  /** Throws where a regex stands in a column of operators: no name takes its place there. */
  checkPatterns(node: Node): void {
    const inner = node.kind === "paren" ? node.inner : node;
    if (inner.kind === "paren") this.checkPatterns(inner);
    else if (inner.kind === "binary" && hasPattern(inner))
      throw new InputError(`unsupported expression with regex field: ${printNode(this.#typed(node))}`);
  }

  /** The type that a column has in the statement around; null: nothing is known, or operators do not fit. */
  typeOf(node: Node): FieldType | "tag" | null {
    if (node.kind === "reference" && node.cast === "field") return this.typeOf({ ...node, cast: null });
    // (out there a function of numbers of what is unknown is unknown)
    if (node.kind === "call" && (isMathName(node.name) || givenBy(node) === "same"))
      return this.typeOf(node.arguments[0]!);
    try {
      return this.#typeWritten(node);
    } catch (error) {
      if (error instanceof InputError) return null;
      throw error;
    }
  }

  /** A side of which nothing is known takes the other's type. */
  #typeOfBinary(node: BinaryNode): FieldType | "tag" | null {
    const [left, right] = [this.#typeWritten(node.left), this.#typeWritten(node.right)];
    if (left === null || right === null) return left ?? right;
    const isTagged = left === "tag" || right === "tag";
    const type = isTagged ? null : typeWritten(node.operator as BinaryOutput["operator"], left, right);
    if (type === null)
      throw this.#typeError(
        node,
        [left, right].map((side) => (side === "tag" ? side : fieldTypeNames[side])),
      );
    return type;
  }

  #typeError(node: BinaryNode, types: readonly string[]): InputError {
    return new InputError(
      `type error: ${printNode(this.#typed(node))}: incompatible types: ${types[0]} and ${types[1]}`,
    );
  }

  /** Type of an operand by what is written, before anything says that a function does not take it; null = nothing known. */
  #typeWritten(node: Node): FieldType | "tag" | null {
    switch (node.kind) {
      case "paren":
        return this.#typeWritten(node.inner);
      case "number":
        return FieldType.Float;
      case "integer":
        return FieldType.Integer;
      case "string":
        return FieldType.String;
      case "boolean":
        return FieldType.Boolean;
      case "reference":
        return this.#typeOfName(node);
      case "call": {
        // a function of numbers counts as what it is made of, or as a number where that is unknown
        if (isMathName(node.name))
          return this.#typeWritten(node.arguments[0]!) ?? (keepsType(node.name) ? null : FieldType.Float);
        const given = givenBy(node);
        return given === "same" ? this.#typeWritten(node.arguments[0]!) : given;
      }
      case "binary":
        return this.#typeOfBinary(node);
      default:
        return null;
    }
  }

  /** What is written behind it, or what it is. */
  #typeOfName(node: ReferenceNode): FieldType | "tag" | null {
    const { name, cast } = node;
    if (cast === "tag") return "tag";
    if (cast !== null && cast !== "field") return castTypes[cast]!;
    const row = this.#row(node);
    if (row === null) return null;
    return isTag(row) || this.#schema.tagColumns?.has(name) ? "tag" : row.type;
  }

  #typeOfCall(node: Node): FieldType | null {
    const type = this.#typeWritten(node);
    return type === "tag" ? FieldType.String : type;
  }

  /** A function of the values of its operands, which may be anything that a column can be. */
  #math(name: MathName, node: CallNode): Output {
    const operands = node.arguments.map((argument) =>
      argument.kind === "wildcard" || argument.kind === "regex" ? ABSENT : this.#build(argument),
    );
    if (operands.every(({ kind }) => kind === "absent")) return absent(givenByMath(name, operands));
    const isMissing = operands.some(({ type }) => type === null);
    return { kind: "math", function: name, operands, type: isMissing ? null : givenByMath(name, operands) };
  }

  /** With the type after each name, for messages. */
  #typed(node: Node): Node {
    switch (node.kind) {
      case "reference": {
        const type = this.#typeOfName(node);
        if (type === null) return node;
        return { ...node, cast: type === "tag" ? type : (fieldTypeNames[type] as CastType) };
      }
      case "paren":
        return { ...node, inner: this.#typed(node.inner) };
      case "distinct":
        return this.#typed(asCall(node));
      case "call":
        return { ...node, arguments: node.arguments.map((argument) => this.#typed(argument)) };
      case "binary":
        return { ...node, left: this.#typed(node.left), right: this.#typed(node.right) };
      default:
        return node;
    }
  }

  /** null: the source has nothing of that name and type. */
  #row(node: ReferenceNode, all = this.#all): RowValue | null {
    const { name, cast, place } = node;
    const resolved = resolve(this.#schema, name, cast, place);
    if (resolved.kind === "unknown") {
      const isHiddenTag = this.#schema.tags.has(name) && this.#schema.absent?.has(name);
      return isHiddenTag ? this.#tagAsField(name) : null;
    }
    if (resolved.kind === "tag") {
      return { kind: "row", reference: { kind: "tag", name }, type: FieldType.String };
    }
    // values are of the type that the name has over all sources, or not there, as in InfluxDB
    const isBare = cast === null || cast === "field" || cast === "tag";
    const wanted = isBare ? all.fields.get(name) : undefined;
    const type = castType(resolved.type, wanted === undefined ? cast : (fieldTypeNames[wanted] as CastType));
    if (type === null) return null;
    this.#fields.add(name);
    return { kind: "row", reference: { kind: "field", name, type: resolved.type }, type };
  }

  /** A subquery's tags are read by calls like its columns; stored ones are not. */
  #tagAsField(name: string): RowValue | null {
    if (!isDerived(this.#schema)) return null;
    this.#fields.add(name);
    const type = FieldType.String;
    return { kind: "row", reference: { kind: "field", name, type }, type };
  }

  /** Index of the call; null: its field is absent, so it has no points. */
  #call(node: CallNode): number | null {
    const called = functionNamed(node.name);
    assert(called !== undefined, `${node.name}() was not checked`);
    const info = functions[called.name];
    const first = node.arguments[0]!;
    if (first.kind === "call" || first.kind === "distinct") {
      const argument = this.#call(asCall(first));
      if (argument === null) return null;
      const inner = this.calls[argument]!;
      accept(called.name, info, inner.type);
      const parameters = this.#parameters(node, info, called.parameter, true);
      const { extraWindows } = info;
      const period = parameters[0] ?? 0;
      const own =
        typeof extraWindows === "number" ? extraWindows : extraWindows === "parameter" ? period : period - 1;
      return this.#add({
        function: called.name,
        argument: { kind: "call", call: argument },
        parameters,
        distinctBy: [],
        type: info.gives === "same" ? inner.type : info.gives,
        fold: 0,
        extraWindows: this.#window === null ? 0 : own,
      });
    }
    // (names take the place of those of the first operand alone)
    if (first.kind === "wildcard" || first.kind === "regex") return null;
    assert(first.kind === "reference", "arguments were checked");
    const row = this.#row(first);
    if (row === null) return null;
    const isTagCount = called.name === "count_distinct" && row.reference.kind === "tag";
    // a row has the tag whichever field it has
    if (isTagCount) for (const name of this.#schema.fields.keys()) this.#fields.add(name);
    const field = isTagCount || row.reference.kind !== "tag" ? row : this.#tagAsField(row.reference.name);
    if (field === null) return null;
    // InfluxDB makes top() and bottom() by tags of max() and min(), which take booleans
    const isByTags = info.kind === "several" && node.arguments.length > 2;
    const isOfText = isByTags && field.type === FieldType.String;
    accept(isOfText ? (called.name === "top" ? "max" : "min") : called.name, info, field.type);
    const isNumber = field.type !== FieldType.Boolean && field.type !== FieldType.String;
    const isStored = field.reference.kind === "field" && field.type === field.reference.type;
    return this.#add({
      function: called.name,
      argument: { kind: "field", field },
      parameters: this.#parameters(node, info, called.parameter, false),
      distinctBy: isByTags ? this.#distinctBy(node) : [],
      type: info.gives === "same" ? field.type : info.gives,
      fold: isStored && (isNumber || called.name === "count") ? info.fold : 0,
      extraWindows: 0,
    });
  }

  /** Tags by their names: a field, which is shown all the same, has no part in it, as in InfluxDB. */
  #distinctBy(node: CallNode): Reference[] {
    return node.arguments.slice(1, -1).map((argument) => {
      assert(argument.kind === "reference", "arguments were checked");
      const { name } = argument;
      const isTagOfRows =
        isDerived(this.#schema) && (this.#schema.tags.has(name) || this.#schema.tagColumns?.has(name));
      return (isTagOfRows ? this.#row(argument)?.reference : undefined) ?? { kind: "tag", name };
    });
  }

  #parameters(node: CallNode, info: FunctionInfo, named: number | null, overPoints: boolean): number[] {
    if (info.parameter === null) return [];
    if (named !== null) return [named];
    const { name } = functionNamed(node.name)!;
    if (isTechniqueName(name)) return planTechnique(node, name);
    if (isForecastName(name)) return planForecast(node, this.#window);
    const written = node.arguments.length > 1 ? node.arguments.at(-1) : undefined;
    if (written?.kind === "duration") return [Number(fixedLength(written))];
    if (written?.kind === "integer" || written?.kind === "number") return [Number(written.value)];
    assert(info.parameter.kind === "duration", "parameters were checked");
    const { defaultNs, defaultIsWindow } = info.parameter;
    const window = overPoints ? this.#window : this.#around;
    if (!defaultIsWindow || window === null) return [defaultNs];
    if (window.everyMonths > 0) {
      throw new InputError(
        `${node.name}() over windows of months needs a unit of fixed length: ${node.name}(${printNode(node.arguments[0]!)}, 1d)`,
      );
    }
    return [Number(window.everyNs)];
  }

  /** Equal calls are made once. */
  #add(call: Call): number {
    const key = keyOf(call);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.calls.push(call);
    this.#known.set(key, this.calls.length - 1);
    return this.calls.length - 1;
  }
}

/** The same text for equal calls only; what else a call has follows from it. */
function keyOf({ function: name, argument, parameters, distinctBy }: Call): string {
  if (argument.kind === "call") return `${name} ${argument.call} ${parameters}`;
  const { reference, type } = argument.field;
  const key = `${name} ${parameters} ${type} ${reference.kind} ${reference.name}`;
  return distinctBy.length === 0 ? key : JSON.stringify([key, distinctBy]);
}

function asCall(node: CallNode | (Node & { kind: "distinct" })): CallNode {
  if (node.kind === "call") return node;
  const { name, place } = node;
  const argument: Node = { kind: "reference", name, cast: null, ...(place === undefined ? {} : { place }) };
  return { kind: "call", name: "distinct", arguments: [argument] };
}

function accept(name: string, info: FunctionInfo, type: FieldType): void {
  if (info.accepts.includes(type)) return;
  // InfluxDB's name of it; a forecast goes by that of another one there, and our own functions by theirs
  const influx = isForecastName(name) ? "elapsed" : name.replace("non_negative_", "").replaceAll("_", " ");
  const iterator = info.isSketched ? name : influx;
  throw new InputError(
    `unsupported ${iterator} iterator type: *query.${fieldTypeNames[type]}InterruptIterator`,
  );
}

function hasPattern(node: Node): boolean {
  switch (node.kind) {
    case "regex":
      return true;
    case "paren":
      return hasPattern(node.inner);
    case "binary":
      return hasPattern(node.left) || hasPattern(node.right);
    default:
      return node.kind === "call" && node.arguments.some(hasPattern);
  }
}

type BinaryOutput = Output & { kind: "binary" };

/** The type of a call's values, that of its argument or one of its own. */
const givenBy = ({ name }: CallNode): FieldType | "same" | null => {
  const called = functionNamed(name);
  return called === undefined ? null : functions[called.name].gives;
};

/** A tag, or a function that keeps the type of one. */
const isTag = (output: Output): boolean =>
  output.kind === "math" && output.type === FieldType.String
    ? isTag(output.operands[0]!)
    : output.kind === "row" && output.reference.kind === "tag";

type TypeOf = (operator: BinaryOutput["operator"], left: FieldType, right: FieldType) => FieldType | null;

/** In columns strings do not add; in conditions (typeOfBinary) they do. */
const typeWritten: TypeOf = (operator, left, right) => {
  const type = typeOfBinary(operator, left, right);
  return type === FieldType.String ? null : type;
};

/** Also as it is worked out: integer division gives floats. */
const typeOfOutput: TypeOf = (operator, left, right) => {
  const type = typeWritten(operator, left, right);
  const isWhole = type === FieldType.Integer || type === FieldType.Unsigned;
  return isWhole && operator === "/" ? FieldType.Float : type;
};

/** Type as which a stored field is read; null: values of that type do not convert. */
function castType(stored: FieldType, cast: CastType | null): FieldType | null {
  if (cast === null || cast === "field" || cast === fieldTypeNames[stored]) return stored;
  const isNumber = stored !== FieldType.Boolean && stored !== FieldType.String;
  if (!isNumber) return null;
  if (cast === "float") return FieldType.Float;
  if (cast === "integer") return FieldType.Integer;
  return cast === "unsigned" ? FieldType.Unsigned : null;
}
