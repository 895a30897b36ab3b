/** The subset of JSON Schema 2020-12 that the API description uses; an unknown keyword is an error. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: Schema;
  minimum?: number;
  maximum?: number;
  [other: string]: unknown;
}

const KNOWN = new Set(
  "$ref type const enum anyOf properties required additionalProperties items minimum maximum format pattern".split(" "),
);

/** The problems of a value, one clause each. */
export function problemsOf(value: unknown, schema: Schema, named: Record<string, Schema>, at = "$"): string[] {
  const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) return [`${at}: the schema has ${unknown.join(", ")}`];
  if (schema.$ref) {
    const target = named[schema.$ref.replace("#/components/schemas/", "")];
    return target ? problemsOf(value, target, named, at) : [`${at}: no schema ${schema.$ref}`];
  }
  if (schema.anyOf) {
    const all = schema.anyOf.map((choice) => problemsOf(value, choice, named, at));
    return all.some((problems) => problems.length === 0) ? [] : all.flat();
  }
  const problems: string[] = [];
  const expected = (what: string, isSo: boolean) => {
    if (!isSo) problems.push(`${at}: ${JSON.stringify(value)} is not ${what}`);
  };
  if ("const" in schema) expected(JSON.stringify(schema.const), value === schema.const);
  if (schema.enum) expected(`of ${schema.enum.join(", ")}`, schema.enum.includes(value));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0)
    expected(
      types.join(" or "),
      types.some((type) => hasType(value, type)),
    );
  if (schema.pattern) expected(`like ${schema.pattern}`, new RegExp(schema.pattern as string).test(String(value)));
  if (schema.minimum !== undefined && value !== null)
    expected(`≥ ${schema.minimum}`, (value as number) >= schema.minimum);
  if (schema.maximum !== undefined && value !== null)
    expected(`≤ ${schema.maximum}`, (value as number) <= schema.maximum);
  if (problems.length > 0) return problems;
  if (Array.isArray(value) && schema.items) {
    const { items } = schema;
    return value.flatMap((item, index) => problemsOf(item, items, named, `${at}[${index}]`));
  }
  if (value !== null && schema.properties) return objectProblems(value as Record<string, unknown>, schema, named, at);
  return [];
}

function objectProblems(
  value: Record<string, unknown>,
  schema: Schema,
  named: Record<string, Schema>,
  at: string,
): string[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  return [
    ...required.filter((name) => !(name in value)).map((name) => `${at}: no ${name}`),
    ...Object.entries(value).flatMap(([name, item]) => {
      const property = properties[name];
      if (property) return problemsOf(item, property, named, `${at}.${name}`);
      return additionalProperties === false ? [`${at}: has ${name}`] : [];
    }),
  ];
}

function hasType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
