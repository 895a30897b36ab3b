/** JSON schemas of the events that the API sends, from the table of event fields. */
import { EVENT_FIELDS, EVENT_TYPE_NAMES, type EventTypeName, type FieldRow, fieldsOf } from "../wire/fields.ts";

type JsonObject = Record<string, unknown>;

const SHAPES: Record<FieldRow["kind"], JsonObject> = {
  u32: { type: "integer", minimum: 0 },
  u64: { type: "integer", format: "uint64", minimum: 0 },
  number: { type: "number" },
  text: { type: "string" },
  boolean: { type: "boolean" },
  texts: { type: "array", items: { type: "string" } },
  container: { $ref: "#/components/schemas/Container" },
  object: { type: "object" },
};

/** Types of events that linnix writes only to the output. The API does not send them. */
const OF_OUTPUTS: readonly EventTypeName[] = ["start", "unwritten"];

function schemaOf({ kind, unknown, doc, unit }: FieldRow): JsonObject {
  const description = unit === undefined || unit === "count" ? doc : `${doc} Unit: ${unit}.`;
  return unknown === "null"
    ? { anyOf: [SHAPES[kind], { type: "null" }], description }
    : { ...SHAPES[kind], description };
}

/** The schemas `ForkEvent`, `ExecEvent` and so on, and the schema `Event`, which matches any of these. */
export function eventSchemas(): JsonObject {
  const types = EVENT_TYPE_NAMES.filter((type) => !OF_OUTPUTS.includes(type));
  const nameOf = (type: string) => `${type.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}Event`;
  const schemas = types.map((type) => {
    const rows = fieldsOf(type);
    const properties = Object.fromEntries(rows.map((row) => [row.name, schemaOf(row)]));
    const required = rows.filter(({ unknown }) => unknown !== "left out").map(({ name }) => name);
    return [
      nameOf(type),
      {
        type: "object",
        description: EVENT_FIELDS[type].doc,
        properties: { type: { const: type }, ...properties },
        required: ["type", ...required],
      },
    ] as const;
  });
  const Event = { oneOf: schemas.map(([name]) => ({ $ref: `#/components/schemas/${name}` })) };
  return { ...Object.fromEntries(schemas), Event };
}
