import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BtfDump, type BtfType, headerNames, layoutText } from "../../scripts/layout.ts";
import { compileObjects, LAYOUT_FILE } from "../../scripts/objects.ts";

const ROOT = join(import.meta.dir, "../..");

const U8 = 1;
const U32 = 2;
const U64 = 3;
const BASE: BtfType[] = [
  { id: U8, kind: "INT", name: "unsigned char", size: 1 },
  { id: U32, kind: "INT", name: "unsigned int", size: 4 },
  { id: U64, kind: "INT", name: "unsigned long long", size: 8 },
];

function object(name: string, ...types: BtfType[]): { name: string; btf: BtfDump } {
  return { name, btf: { types: [...BASE, ...types] } };
}

function member(name: string, typeId: number, byte: number) {
  return { name, type_id: typeId, bits_offset: byte * 8 };
}

test("the committed layout file equals the layout of the compiled bpf/", () => {
  expect(readFileSync(join(ROOT, LAYOUT_FILE), "utf8")).toBe(compileObjects(ROOT).layout);
});

test("the names that a header declares are found, except in comments", () => {
  const header = `
/* struct old { int a; }; */
#ifndef GUARD_H
#define GUARD_H
#define LEN 16
#define MASK 0x10u
#define SUM (1 + 2)
// enum gone { A };
enum kind { ONE = 1, };
struct first { struct second *p; };
static struct first *make(void);
struct second {
	int x;
};
#endif`;
  expect(headerNames(header)).toEqual({
    structs: ["first", "second"],
    enums: ["kind"],
    macros: [
      { name: "LEN", value: 16 },
      { name: "MASK", value: 16 },
    ],
  });
});

describe("layout", () => {
  const header = "#define LEN 4\nenum kind { ONE = 1, TWO = 2 };\nstruct head {};\nstruct event {};\n";
  const kind: BtfType = {
    id: 10,
    kind: "ENUM",
    name: "kind",
    values: [
      { name: "ONE", val: 1 },
      { name: "TWO", val: 2 },
    ],
  };
  const head: BtfType = {
    id: 11,
    kind: "STRUCT",
    name: "head",
    size: 8,
    members: [member("pid", U32, 0), member("type", U8, 4)],
  };
  const typedef: BtfType = { id: 12, kind: "TYPEDEF", name: "__u64", type_id: U64 };
  const counts: BtfType = { id: 13, kind: "ARRAY", name: "(anon)", type_id: 12, nr_elems: 4 };
  const name: BtfType = { id: 14, kind: "ARRAY", name: "(anon)", type_id: U8, nr_elems: 8 };
  const event: BtfType = {
    id: 15,
    kind: "STRUCT",
    name: "event",
    size: 48,
    members: [member("p", 11, 0), member("name", 14, 8), member("counts", 13, 16)],
  };

  test("fields of nested structs are flattened, and arrays have their length and stride", () => {
    const text = layoutText(header, [object("a.o", kind, head, typedef, counts, name, event)]);
    expect(text).toContain("export const LEN = 4;\n");
    expect(text).toContain("/* enum kind */\nexport const ONE = 1;\nexport const TWO = 2;\n");
    expect(text).toContain(
      `export const EVENT = {
  size: 48,
  pid: 0, // unsigned int
  type: 4, // unsigned char
  name: 8, // unsigned char[8]
  name_len: 8,
  counts: 16, // __u64[4]
  counts_len: 4,
  counts_stride: 8,
} as const;`,
    );
  });

  test("collects types from several objects", () => {
    const text = layoutText(header, [
      object("a.o", kind, head),
      object("b.o", head, { ...event, members: [member("p", 11, 0)] }),
    ]);
    expect(text).toContain("export const HEAD = {");
    expect(text).toContain("export const EVENT = {");
  });

  test("a type that no object contains is an error that names it", () => {
    expect(() => layoutText(header, [object("a.o", head)])).toThrow("no object's BTF has enum kind, struct event");
  });

  test("a type that differs between objects is refused", () => {
    const other = { ...head, size: 12 };
    expect(() => layoutText("struct head {};", [object("a.o", head), object("b.o", other)])).toThrow(
      "struct head of b.o differs from that of a.o",
    );
  });

  test.each<[string, BtfType[], string]>([
    [
      "bit fields",
      [{ ...head, members: [{ name: "x", type_id: U32, bits_offset: 0, bitfield_size: 3 }] }],
      "bit field",
    ],
    [
      "unions",
      [
        { ...head, members: [member("u", 20, 0)] },
        { id: 20, kind: "UNION", name: "", size: 4 },
      ],
      "union",
    ],
    [
      "pointers",
      [
        { ...head, members: [member("p", 20, 0)] },
        { id: 20, kind: "PTR", name: "" },
      ],
      "pointer",
    ],
    ["a member called size", [{ ...head, members: [member("size", U32, 0)] }], "two entries called size"],
  ])("%s are refused", (_, types, message) => {
    expect(() => layoutText("struct head {};", [object("a.o", ...types)])).toThrow(message);
  });
});
