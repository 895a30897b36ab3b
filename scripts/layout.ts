/**
 * Generates the wire layout in TypeScript: byte offsets, sizes and constants that the wire headers in `bpf/` declare.
 * The offsets and sizes come from the BTF of the compiled objects, so they are those of the compiler.
 */

/** One type of `bpftool btf dump file OBJECT -j`; the members depend on `kind`. */
export interface BtfType {
  id: number;
  kind: string;
  name: string;
  size?: number;
  type_id?: number;
  nr_elems?: number;
  bits_offset?: number;
  members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  values?: { name: string; val: number }[];
}

/** The output of `bpftool btf dump file OBJECT -j`. */
export interface BtfDump {
  types: BtfType[];
}

/** The names that a C header declares, in their order. */
export interface HeaderNames {
  structs: string[];
  enums: string[];
  /** Object-like macros whose value is a plain integer. BTF does not contain them. */
  macros: { name: string; value: number }[];
}

/** Finds the names that `header` (C source) declares. Their layout in memory comes from BTF. */
export function headerNames(header: string): HeaderNames {
  const code = header.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
  const names = (keyword: string) =>
    [...code.matchAll(new RegExp(`^${keyword}\\s+(\\w+)\\s*\\{`, "gm"))].map((match) => match[1] ?? "");
  const macros = [...code.matchAll(/^#define[ \t]+(\w+)[ \t]+(0x[\da-fA-F]+|\d+)[uUlL]*[ \t]*$/gm)];
  return {
    structs: names("struct"),
    enums: names("enum"),
    macros: macros.map((match) => ({ name: match[1] ?? "", value: Number(match[2]) })),
  };
}

/** One field of a struct; nested structs are already flattened. */
interface Field {
  name: string;
  offset: number;
  /** Number of elements, if it is an array. */
  length?: number;
  /** Bytes from one element to the next, if it is an array. */
  stride?: number;
  /** The C type, for the comment. */
  type: string;
}

/** The types of one object, by id. */
class Btf {
  readonly #byId = new Map<number, BtfType>();

  constructor(dump: BtfDump) {
    for (const type of dump.types) this.#byId.set(type.id, type);
  }

  find(kinds: readonly string[], name: string): BtfType | undefined {
    for (const type of this.#byId.values()) if (kinds.includes(type.kind) && type.name === name) return type;
    return undefined;
  }

  /** The type behind typedefs and qualifiers. */
  #resolve(id: number): BtfType {
    let type = this.#byId.get(id);
    while (type && ["TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"].includes(type.kind)) {
      type = this.#byId.get(type.type_id ?? 0);
    }
    if (!type) throw new Error(`BTF type ${id} leads nowhere`);
    return type;
  }

  #sizeOf(type: BtfType): number {
    if (type.kind === "PTR") throw new Error("a pointer has no place in a wire struct");
    if (type.kind === "ARRAY") return (type.nr_elems ?? 0) * this.#sizeOf(this.#resolve(type.type_id ?? 0));
    if (type.size === undefined) throw new Error(`BTF type ${type.id} (${type.kind} ${type.name}) has no size`);
    return type.size;
  }

  /** Name of the type as the C source spells it. */
  #spelling(id: number): string {
    const type = this.#byId.get(id);
    if (!type) return "void";
    if (type.kind === "STRUCT" || type.kind === "UNION" || type.kind === "ENUM") {
      return `${type.kind.toLowerCase()} ${type.name}`;
    }
    if (type.kind === "ARRAY") return `${this.#spelling(type.type_id ?? 0)}[${type.nr_elems}]`;
    return type.name;
  }

  /** Fields of a struct in order of offset; the members of nested structs appear under their own names. */
  fields(struct: BtfType, base = 0): Field[] {
    return (struct.members ?? []).flatMap((member) => {
      const where = `${struct.name}.${member.name}`;
      if (member.bitfield_size || member.bits_offset % 8 !== 0) throw new Error(`${where} is a bit field`);
      const offset = base + member.bits_offset / 8;
      const type = this.#resolve(member.type_id);
      if (type.kind === "UNION") throw new Error(`${where} is a union`);
      if (type.kind === "STRUCT") return this.fields(type, offset);
      const field: Field = { name: member.name, offset, type: this.#spelling(member.type_id) };
      if (type.kind === "ARRAY") {
        field.length = type.nr_elems ?? 0;
        field.stride = this.#sizeOf(this.#resolve(type.type_id ?? 0));
      } else {
        this.#sizeOf(type);
      }
      return [field];
    });
  }
}

function structText(btf: Btf, struct: BtfType): string {
  const lines: string[] = [];
  const seen = new Set<string>();
  const put = (key: string, value: number, comment = "") => {
    if (seen.has(key)) throw new Error(`struct ${struct.name} would have two entries called ${key}`);
    seen.add(key);
    lines.push(`  ${key}: ${value},${comment && ` // ${comment}`}`);
  };
  put("size", struct.size ?? 0);
  for (const field of btf.fields(struct)) {
    put(field.name, field.offset, field.type);
    if (field.length !== undefined) put(`${field.name}_len`, field.length);
    if (field.stride !== undefined && field.stride > 1) put(`${field.name}_stride`, field.stride);
  }
  return `/** struct ${struct.name} */\nexport const ${struct.name.toUpperCase()} = {\n${lines.join("\n")}\n} as const;\n`;
}

function enumText(type: BtfType): string {
  const values = (type.values ?? []).map(({ name, val }) => `export const ${name} = ${val};\n`);
  return `/* enum ${type.name} */\n${values.join("")}`;
}

/**
 * The text of `src/wire/layout.gen.ts`.
 *
 * @param header the concatenated C headers that declare the wire
 * @param objects BTF of the compiled objects; a type that several of them contain must be the same in all @throws Error
 * that names a type that is missing from every object, or that differs between two objects
 */
export function layoutText(header: string, objects: { name: string; btf: BtfDump }[]): string {
  const names = headerNames(header);
  const dumps = objects.map(({ name, btf }) => ({ name, btf: new Btf(btf) }));
  const missing: string[] = [];

  const oneOfAll = (kinds: string[], keyword: string, name: string, text: (btf: Btf, type: BtfType) => string) => {
    let first: { object: string; text: string } | undefined;
    for (const { name: object, btf } of dumps) {
      const type = btf.find(kinds, name);
      if (!type) continue;
      const found = text(btf, type);
      first ??= { object, text: found };
      if (first.text !== found) throw new Error(`${keyword} ${name} of ${object} differs from that of ${first.object}`);
    }
    if (!first) missing.push(`${keyword} ${name}`);
    return first ? [first.text] : [];
  };

  const enums = names.enums.flatMap((name) => oneOfAll(["ENUM"], "enum", name, (_, type) => enumText(type)));
  const structs = names.structs.flatMap((name) => oneOfAll(["STRUCT"], "struct", name, structText));
  if (missing.length > 0) {
    throw new Error(
      `no object's BTF has ${missing.join(", ")}: clang keeps a type only where a map's value type or a global ` +
        `variable leads to it (for instance \`const enum event_type unused_event_type SEC(".rodata") = EVENT_FORK;\`)`,
    );
  }
  const macros = names.macros.map(({ name, value }) => `export const ${name} = ${value};\n`).join("");
  const head =
    "// Generated by scripts/layout.ts from the headers in bpf/ and the BTF of the objects compiled with them; do not edit.\n" +
    "// `npm run build` writes it anew. Offsets, sizes and strides are bytes; `_len` counts elements.\n";
  return [head, ...(macros ? [macros] : []), ...enums, ...structs].join("\n");
}
